#!/usr/bin/env bash
# reasoning-gym 0.1.25: `number_sorting` gives the full score to sorted lists of other numbers.
#
# The scorer asks that the answer is sorted and that each number lies within 1 of the reference, so numbers that do not
# stand in the question pass: rounded ones, or all of them moved by one. Expected: the numbers of the question, in order.
# Exact-answer accuracy of sorting that is measured with it is too high.
#
# Output seen:
#   the reference 1.0
#   every number 0.99 too large 1.0
#   every number rounded to a whole one 1.0
#   every number 1.5 too large 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check reasoning-gym==0.1.25
cat > "$folder/ask.py" <<'PY'
import reasoning_gym

tasks = reasoning_gym.create_dataset("number_sorting", size=1, seed=1, min_decimals=2, max_decimals=2)
entry = tasks[0]
numbers = [float(number) for number in entry["metadata"]["sorted_numbers"]]


def score(told, change):
    print(told, tasks.score_answer(str([str(change(number)) for number in numbers]), entry))


score("the reference", lambda x: x)
score("every number 0.99 too large", lambda x: round(x + 0.99, 2))
score("every number rounded to a whole one", round)
score("every number 1.5 too large", lambda x: x + 1.5)
PY
"$folder/venv/bin/python" "$folder/ask.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
the reference 1.0
every number 0.99 too large 1.0
every number rounded to a whole one 1.0
every number 1.5 too large 0.0
SEEN

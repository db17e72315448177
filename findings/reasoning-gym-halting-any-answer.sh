#!/usr/bin/env bash
# reasoning-gym 0.1.25: `game_of_life_halting` gives the full score to every answer but the empty one.
#
# The reference answers are the strings "True" and "False". The scorer compares bool(answer) with bool(reference), and
# bool("False") is True in Python: so "False" scores 1.0 where "True" is right, and so does any other text. A model that
# always says the same is measured as perfect. Expected: 1.0 for the right one of the two words alone.
#
# Output seen:
#   True is right: 'True' 1.0, 'False' 1.0, 'I do not know' 1.0, '' 0.0
#   False is right: 'True' 1.0, 'False' 1.0, 'I do not know' 1.0, '' 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check reasoning-gym==0.1.25
cat > "$folder/ask.py" <<'PY'
import reasoning_gym

tasks = reasoning_gym.create_dataset("game_of_life_halting", size=40, seed=7)
for right in ("True", "False"):
    entry = next(e for e in tasks if e["answer"] == right)
    given = ("True", "False", "I do not know", "")
    print(f"{right} is right:", ", ".join(f"{g!r} {tasks.score_answer(g, entry)}" for g in given))
PY
"$folder/venv/bin/python" "$folder/ask.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
True is right: 'True' 1.0, 'False' 1.0, 'I do not know' 1.0, '' 0.0
False is right: 'True' 1.0, 'False' 1.0, 'I do not know' 1.0, '' 0.0
SEEN

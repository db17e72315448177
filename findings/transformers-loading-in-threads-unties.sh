#!/usr/bin/env bash
# transformers 5.23.0 (torch 2.13.0): two threads that load models at once switch weight tying off for the whole process.
#
# While `from_pretrained` runs, `PreTrainedModel.tie_weights` is replaced by a function that does nothing, and what was
# there before is put back at the end. When a second load begins within the first and ends behind it, it takes the
# function that does nothing for the original and puts that back: every model made from then on whose configuration says
# `tie_word_embeddings=True` comes out with embeddings apart, without a word. Expected: tied, in either order.
#
# Output seen:
#   before: tied True
#   after two loads at once: tied False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 transformers==5.23.0
cat > "$folder/ask.py" <<'PY'
import tempfile
import threading

from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
    tie_word_embeddings=True,
)
first_is_within, second_is_within = threading.Event(), threading.Event()


class First(LlamaForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        first_is_within.set()
        second_is_within.wait()


class Second(LlamaForCausalLM):
    def __init__(self, config):
        super().__init__(config)
        second_is_within.set()
        first.join()


def tied():
    model = LlamaForCausalLM(config)
    return model.lm_head.weight is model.model.embed_tokens.weight


with tempfile.TemporaryDirectory() as folder:
    LlamaForCausalLM(config).save_pretrained(folder)
    print(f"before: tied {tied()}")
    first = threading.Thread(target=First.from_pretrained, args=(folder,))
    first.start()
    first_is_within.wait()
    Second.from_pretrained(folder)
    print(f"after two loads at once: tied {tied()}")
PY
(cd "$folder" && venv/bin/python ask.py 2> "$folder/errors") | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
before: tied True
after two loads at once: tied False
SEEN

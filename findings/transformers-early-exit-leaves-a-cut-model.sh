#!/usr/bin/env bash
# transformers 5.23.0 (torch 2.13.0): an exception during `generate(assistant_early_exit=…)` leaves the model cut for good.
#
# Drafts are made by the same model with fewer layers: `config.num_hidden_layers` is lowered and set back behind the draft,
# without a `finally`. What raises in between (a processor with a time limit, Ctrl-C, memory that ends) leaves it lowered,
# and every later call computes the first layers alone, without a word. Expected: the configuration is as before.
#
# Output seen:
#   before: 4 layers
#   after TimeoutError: 1 layers, same logits: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.13.0 transformers==5.23.0
cat > "$folder/ask.py" <<'PY'
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

torch.manual_seed(0)
config = LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=4, num_attention_heads=2)
model = LlamaForCausalLM(config).eval()
prompt = torch.tensor([[1, 5, 6, 7]])
logits = model(prompt).logits


class OutOfTime(LogitsProcessor):
    def __call__(self, ids, scores):
        raise TimeoutError


print(f"before: {model.config.num_hidden_layers} layers")
try:
    model.generate(
        prompt, assistant_early_exit=1, max_new_tokens=8, do_sample=False, pad_token_id=0,
        logits_processor=LogitsProcessorList([OutOfTime()]),
    )
except TimeoutError:
    same = torch.equal(logits, model(prompt).logits)
    print(f"after TimeoutError: {model.config.num_hidden_layers} layers, same logits: {same}")
PY
(cd "$folder" && venv/bin/python ask.py 2> "$folder/errors") | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
before: 4 layers
after TimeoutError: 1 layers, same logits: False
SEEN

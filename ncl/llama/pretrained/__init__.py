"""A pretrained LLaMA with readers: base model, prompt units, hidden states, decision, adapter and checkpoint."""

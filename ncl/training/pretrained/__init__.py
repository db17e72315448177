"""The recipe `natural`: readers are fitted to a pretrained LLaMA, evaluated and demonstrated."""

"""The recipe `tiny`: a LLaMA from scratch is trained, evaluated and demonstrated."""

"""A LLaMA that is trained from scratch on structured prompts: lexer, side module, tape, mixture with the computer."""

"""The two reference interpreters: of source text (`source` and what it is made of) and of machine code (`machine`)."""

"""The two reference interpreters: of source text (`source`) and of machine code (`machine`)."""

"""Named passes from syntax tree to machine code, and the witness that a validator needs. Standard library only."""

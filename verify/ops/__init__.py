"""Each circuit is its row of the op table: by enumeration, in the solver, and on soft operands."""

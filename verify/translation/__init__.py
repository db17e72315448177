"""Translation validation: machine code is the source that it was compiled from."""

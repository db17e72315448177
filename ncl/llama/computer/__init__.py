"""What every model with a computer shares: permit, calls, answer blocks, generation, sessions; the base class."""

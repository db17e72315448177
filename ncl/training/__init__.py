"""Tasks, the trainer behind the gate, evaluation and regression tests."""

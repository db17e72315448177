"""The differentiable computer: circuits of ops, the step, and the executors that run programs."""

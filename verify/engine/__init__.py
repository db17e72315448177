"""What every proof runs on: obligations, verdicts, solvers, counterexamples, the cache, worker processes, reports."""

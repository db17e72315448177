"""Property tests of programs, executors and models, for CI suites and for the pytest plugin."""

"""A program keeps its contract: proof on the source, search for inputs that break it, and the fuzzer of both."""

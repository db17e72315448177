"""The command line: one thin file per command. An entry point: it may import any other package, lazily."""

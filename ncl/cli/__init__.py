"""The command line: one thin file per command. A door of the house: it may reach up, lazily."""

"""The solver's reading of the spec's algebra, and the lift that reads traced torch graphs into terms."""

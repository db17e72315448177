"""Mutation tests of the checkers: planted faults, each with the checker that must refute it."""

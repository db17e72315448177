"""The language: words, ops, programs, source text and the reference interpreters. Standard library only."""

"""The pytest plugin of NCL."""

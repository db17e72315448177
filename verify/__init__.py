"""Obligations, solvers and certificates: shows that what was compiled is what was written."""

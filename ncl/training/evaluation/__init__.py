"""Exact-answer accuracy of whoever answers, regression tests, plots and reports."""

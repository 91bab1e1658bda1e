"""Measures: how close a result is to a truth, and what plain methods reach."""

"""Measurements of quality that are too slow for the tests."""

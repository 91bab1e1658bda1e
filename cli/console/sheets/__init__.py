"""Answers that fill a page, row by row."""

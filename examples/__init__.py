"""Rendered clips with exact truth, and how to write them as files."""

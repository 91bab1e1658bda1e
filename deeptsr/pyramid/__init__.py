"""Coarse to fine: takes a video up the space-time pyramid (section 4.2)."""

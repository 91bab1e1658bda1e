"""Learns from the one video: pairs, fits, and the evidence that chooses between fits."""

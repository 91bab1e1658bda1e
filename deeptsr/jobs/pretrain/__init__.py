"""Teaches a prior: what it is shown, how long, and what an earlier call kept."""

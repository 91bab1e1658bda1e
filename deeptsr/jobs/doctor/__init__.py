"""What this machine has for the work, how long the work takes here, and what would help."""

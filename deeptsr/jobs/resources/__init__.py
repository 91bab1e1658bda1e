"""What a run costs, and what keeps it within its time and memory."""

"""What travels beside the picture."""

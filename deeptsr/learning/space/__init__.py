"""What is known of fine detail, and whether it holds for a video."""

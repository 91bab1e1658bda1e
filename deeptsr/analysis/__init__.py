"""What a video tells of itself before anything is learned from it."""

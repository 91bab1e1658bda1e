"""Training examples cut from the video itself (section 3)."""

"""The numbers of a decoded frame, and what they mean."""

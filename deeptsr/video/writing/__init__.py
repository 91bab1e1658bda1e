"""From frames to a file that appears under its name only when it is whole."""

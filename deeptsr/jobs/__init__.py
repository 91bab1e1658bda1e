"""What deeptsr does for you, a file for each command: here method and files meet."""

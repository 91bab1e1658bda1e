"""Work between two other programs: the input is kept meanwhile, the output streams."""

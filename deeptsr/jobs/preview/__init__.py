"""A look before the work: a short stretch, small, with the input beside it."""

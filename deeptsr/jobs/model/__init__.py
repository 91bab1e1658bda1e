"""A fit as an object: made once, used on the frames of any clip that it suits, kept in a file."""

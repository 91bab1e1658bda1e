"""A file for each command; each calls the file of its name in `deeptsr/jobs`."""

"""Pictures from the program before, and to the one after."""

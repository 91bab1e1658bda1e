"""From the text of flags to `Options`."""

"""Training clips that are drawn, not filmed: things in motion, exactly exposed."""

"""The ways to fit a stage, and the evidence that chooses between them."""

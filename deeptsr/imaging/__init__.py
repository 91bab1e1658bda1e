"""The signal model: how slow-camera frames arise from fast ones, and how to undo it."""

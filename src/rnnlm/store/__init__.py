"""Runs and checkpoints on disk; it knows what a model needs to be used, and nothing of how it is trained."""

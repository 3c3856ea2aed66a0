"""Evaluation of generator checkpoints on held-out photos: figures as JSON, and an HTML page."""

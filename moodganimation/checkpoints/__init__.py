"""Checkpoint files: ours, those of the original repositories, and what makes one of the other."""

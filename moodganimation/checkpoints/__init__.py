"""Checkpoint files: our own format, those of the original repositories, and the conversion."""

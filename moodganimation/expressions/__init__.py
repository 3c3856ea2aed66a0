"""Expressions, the values that condition a generator: spaces, presets, moods, and their JSON."""

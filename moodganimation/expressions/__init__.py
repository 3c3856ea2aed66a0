"""What a condition means: spaces of expressions, presets, moods, and their plain JSON values."""

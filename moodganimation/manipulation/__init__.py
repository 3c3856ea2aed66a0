"""Direct manipulation: a drag on a face as a change of its expression."""

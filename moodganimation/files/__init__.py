"""Files on disk, independent of their format: checks before reading, and atomic writes."""

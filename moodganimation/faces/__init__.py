"""Faces in photos: detection, orientation, alignment, face crops, and pasting edits back."""

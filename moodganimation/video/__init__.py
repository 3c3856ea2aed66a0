"""Videos: track, edit and read faces in them, drive photos by them, and edit a live camera."""

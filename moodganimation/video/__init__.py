"""Videos: faces followed, edited and read, photos driven by a video, and the live camera."""

"""Media files: pictures, videos, their metadata and what says that they were edited."""

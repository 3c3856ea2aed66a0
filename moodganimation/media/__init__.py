"""Read and write pictures and videos, with their metadata and the marks of edited files."""

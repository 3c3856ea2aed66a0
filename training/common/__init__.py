"""Shared by both trainers: runs that resume, averaged weights, health checks, precision."""

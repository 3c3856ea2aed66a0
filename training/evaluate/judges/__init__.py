"""Judges: independent measurements of generators, one command each."""

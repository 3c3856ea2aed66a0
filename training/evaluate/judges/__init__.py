"""Judges: measurements of rendered edits by other tools than the reader, and what they share; and
`detection`, which measures face detectors."""

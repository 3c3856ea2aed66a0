"""Judges: measurements of rendered edits by other tools than the reader, and what they share;
`drags`, which checks the units that drags change; and `detection`, of face detectors."""

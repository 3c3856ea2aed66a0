"""Expressions over time, without pixels: easing, timelines and trajectories."""

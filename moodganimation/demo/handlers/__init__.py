"""Handlers of the page's events, by subject, and the helpers that they share."""

"""What any generator checkpoint is worth on photos it never saw: figures as JSON, and a page."""

"""What protects a running page: file access by session, quotas, metrics."""

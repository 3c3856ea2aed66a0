"""Middleware of the page's server: trusted proxies, metrics, file access, quotas, fonts."""

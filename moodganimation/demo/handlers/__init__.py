"""Event handlers of the page, one module a tab."""

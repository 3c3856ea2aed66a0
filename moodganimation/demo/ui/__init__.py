"""Layout of the page: components and their wiring, without computation."""

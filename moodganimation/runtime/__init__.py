"""How networks run on this machine: backends, precision, threads and worker processes."""

"""The command line: commands, their arguments, requests, and folders of photos."""

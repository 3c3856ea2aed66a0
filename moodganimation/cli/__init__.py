"""The command line: commands, their options, and edits of whole folders."""

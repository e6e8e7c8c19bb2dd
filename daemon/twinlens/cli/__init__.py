"""Words, tables and exit codes."""

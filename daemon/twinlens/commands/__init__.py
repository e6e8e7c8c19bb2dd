"""One module a user verb; the command line and later the web call the same ones."""

"""One TOML file: its schema, how it is read and checked, and the example made from it."""

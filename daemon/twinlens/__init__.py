"""twinlens: a background daemon for a NAS that knows every picture by its content."""

__version__ = "0.1.0"

"""Builds everything from the config, starts it in order, stops it in reverse."""

"""Seeing what happens on the disk: observer, polling, settle, ignore list, mounts, scanner."""

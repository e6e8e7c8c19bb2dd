"""What the operating system wants of a daemon: signals, readiness, a lock, the journal."""

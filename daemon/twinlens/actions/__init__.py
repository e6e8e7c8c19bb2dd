"""The only room that opens anything under a root for writing."""

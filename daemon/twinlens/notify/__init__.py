"""Telling the owner: the log and signed webhooks."""

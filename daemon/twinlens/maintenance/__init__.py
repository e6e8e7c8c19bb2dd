"""Periodic passes: schedule, orphan cleanup, reconciliation."""

"""When to try again: growing pauses, then quarantine. Pure."""


def retry_pause(attempt: int, first_seconds: float, most_seconds: float = 3600.0) -> float:
    """Seconds to wait after the `attempt`-th failed try (1 is the first): doubled each time."""
    doublings = min(max(attempt - 1, 0), 30)
    return float(min(first_seconds * 2**doublings, most_seconds))


def is_quarantined(attempts: int, retries: int) -> bool:
    """Whether so many failed tries are enough."""
    return attempts > retries

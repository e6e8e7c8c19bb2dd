"""64-bit unsigned integers in a database that has only signed ones."""


def to_signed(value: int) -> int:
    """Two's complement of an unsigned 64-bit integer."""
    return value - (1 << 64) if value >= 1 << 63 else value


def to_unsigned(value: int) -> int:
    """The unsigned 64-bit integer behind a two's complement."""
    return value + (1 << 64) if value < 0 else value

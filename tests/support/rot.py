"""Bits that turn below a file system, in the image of a disk."""

from pathlib import Path


def turn_a_bit(disk: Path, content: bytes) -> None:
    """Change one bit of a file in the image of a disk that is not mounted."""
    data = disk.read_bytes()
    at = data.find(content)
    assert at > 0
    with disk.open("r+b") as file:
        file.seek(at + 500)
        file.write(bytes([data[at + 500] ^ 4]))

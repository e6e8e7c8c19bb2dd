"""The rows of the table of date sources (field rules, section 7), in the order of belief."""

from enum import IntEnum


class Rank(IntEnum):
    """How good a source of the capture time is; 1 is best. The store keeps the numbers."""

    USER = 1
    """The user's correction."""
    ZONE_IN_EXIF = 2
    """The camera's capture time with a zone beside it."""
    ZONE_FROM_GPS = 3
    """The camera's capture time, its zone worked out from the satellites' UTC."""
    ZONE_IN_CONTAINER = 4
    """QuickTime's CreationDate and its like, which carry a zone."""
    LOCAL = 5
    """A capture time without a zone, or with the zone of an editor's desk."""
    TAKEOUT = 6
    """`photoTakenTime` of a Google Takeout export, in UTC."""
    DIGITIZED = 7
    """When it was digitized or created, and the satellites' time alone."""
    CONTAINER = 8
    """A container's creation time: UTC by standard, often local."""
    FULL_NAME = 9
    """A full time in the file name."""
    DATE_IN_NAME = 10
    """A date alone in the file name."""
    FOLDER = 11
    """A date in the folders."""
    MODIFIED = 12
    """When the content or the file was changed."""

"""The sidecar that Google Takeout lays beside a picture."""

import json
from typing import Final

from twinlens.errors import MediaError
from twinlens.model.unjudged import JSON_TOO_LARGE

MOST_BYTES: Final = 1 << 20
_PATHS: Final = {
    "JSON:Title": ("title",),
    "JSON:PhotoTakenTimeTimestamp": ("photoTakenTime", "timestamp"),
    "JSON:CreationTimeTimestamp": ("creationTime", "timestamp"),
    "JSON:GeoDataLatitude": ("geoData", "latitude"),
    "JSON:GeoDataLongitude": ("geoData", "longitude"),
    "JSON:GeoDataAltitude": ("geoData", "altitude"),
}


def read_takeout(data: bytes) -> dict[str, str]:
    """Tags of a takeout sidecar in exiftool's spelling; `MediaError` for what is not JSON."""
    if len(data) > MOST_BYTES:
        raise MediaError(JSON_TOO_LARGE)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MediaError("not valid JSON") from error
    tags: dict[str, str] = {}
    for tag, path in _PATHS.items():
        value = document
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            tags[tag] = str(value)
    return tags

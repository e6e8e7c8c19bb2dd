"""Every statement about the capture time that the content of a file makes, in the order of belief.

Ranks are the rows of the table in the field rules, section 7. Within a rank the order of the table
below decides: what the camera wrote before what an editor wrote. Every tag is listed here or is no
date of the picture: `ProfileDateTime` (ICC), `MetadataDate`, firmware and file dates are not.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from twinlens.analysis.containerdates import with_told_zone
from twinlens.analysis.datetext import Reading, as_evidence, judge, read_epoch, read_text
from twinlens.analysis.moments import (
    Moment,
    Precision,
    gap,
    moment_of,
    nearest_zone,
    parse_zone,
)
from twinlens.analysis.ranks import Rank
from twinlens.model.picture import DateCandidate, Kind

_ORIGINAL = "EXIF:DateTimeOriginal"
_GPS = "Composite:GPSDateTime"
_GPS_DATE = "EXIF:GPSDateStamp"
_IPTC = "IPTC:DateCreated"
_IPTC_DIGITAL = "IPTC:DigitalCreationDate"
_TAKEOUT = "JSON:PhotoTakenTimeTimestamp"

# Tag -> rank without a zone. The order is the order of belief within a rank.
_RANKS: dict[str, Rank] = {
    _ORIGINAL: Rank.LOCAL,
    "XMP:DateTimeOriginal": Rank.LOCAL,
    "XMP:DateCreated": Rank.LOCAL,
    _IPTC: Rank.LOCAL,
    "MakerNotes:DateTimeOriginal": Rank.LOCAL,
    "SigmaRaw:DateTimeOriginal": Rank.LOCAL,
    "RIFF:DateTimeOriginal": Rank.LOCAL,
    "H264:DateTimeOriginal": Rank.LOCAL,
    "APP12:DateTimeOriginal": Rank.LOCAL,
    "QuickTime:CreationDate": Rank.LOCAL,
    "QuickTime:DateTimeOriginal": Rank.LOCAL,
    "QuickTime:ContentCreateDate": Rank.LOCAL,
    "XML:CreationDateValue": Rank.LOCAL,
    _TAKEOUT: Rank.TAKEOUT,
    "EXIF:CreateDate": Rank.DIGITIZED,
    "XMP:CreateDate": Rank.DIGITIZED,
    "XMP:DateTimeDigitized": Rank.DIGITIZED,
    _IPTC_DIGITAL: Rank.DIGITIZED,
    "MakerNotes:SonyDateTime": Rank.DIGITIZED,
    "MakerNotes:TimeStamp": Rank.DIGITIZED,
    "XMP:CreationDate": Rank.DIGITIZED,
    "FlashPix:CreateDate": Rank.DIGITIZED,
    "PNG:CreationTime": Rank.DIGITIZED,
    "RIFF:DateCreated": Rank.DIGITIZED,
    _GPS: Rank.DIGITIZED,
    "XMP:GPSDateTime": Rank.DIGITIZED,
    _GPS_DATE: Rank.DIGITIZED,
    "QuickTime:CreateDate": Rank.CONTAINER,
    "QuickTime:MediaCreateDate": Rank.CONTAINER,
    "Matroska:DateTimeOriginal": Rank.CONTAINER,
    "ASF:CreationDate": Rank.CONTAINER,
    "EXIF:ModifyDate": Rank.MODIFIED,
    "XMP:ModifyDate": Rank.MODIFIED,
    "XMP:DateTime": Rank.MODIFIED,
    "PNG:ModifyDate": Rank.MODIFIED,
}
_ORDER = {tag: place for place, tag in enumerate(_RANKS)}
_SUBSECONDS = {
    _ORIGINAL: "EXIF:SubSecTimeOriginal",
    "EXIF:CreateDate": "EXIF:SubSecTimeDigitized",
    "EXIF:ModifyDate": "EXIF:SubSecTime",
}
_OFFSETS = {
    _ORIGINAL: "EXIF:OffsetTimeOriginal",
    "EXIF:CreateDate": "EXIF:OffsetTimeDigitized",
    "EXIF:ModifyDate": "EXIF:OffsetTime",
}
_COMPOSITES = {
    _ORIGINAL: "Composite:SubSecDateTimeOriginal",
    "EXIF:CreateDate": "Composite:SubSecCreateDate",
    "EXIF:ModifyDate": "Composite:SubSecModifyDate",
    _IPTC: "Composite:DateTimeCreated",
    _IPTC_DIGITAL: "Composite:DigitalCreationDateTime",
}
_IPTC_TIMES = {_IPTC: "IPTC:TimeCreated", _IPTC_DIGITAL: "IPTC:DigitalCreationTime"}
_STATED_BY = _COMPOSITES | {_GPS: _GPS_DATE}
"""Where the statement of a tag may stand when the tag itself is not there."""
_CONTAINER_TIMES = frozenset({"QuickTime:CreateDate", "QuickTime:MediaCreateDate"})
_FIX_AGE = timedelta(minutes=2)
# Scanner, ScanJet, ScanSnap, CanoScan, Coolscan; Epson's and Plustek's series.
_SCANNER = re.compile(
    r"scan(?:ner|jet|snap|mate)|(?:cano|cool|film|snap)scan|epson.*(?:perfection|expression|\bgt-)"
    r"|opticfilm|opticpro",
    re.IGNORECASE,
)
_GPS_TIME = re.compile(r"([0-9]{1,2})[: ]+([0-9]{1,2})[: ]+([0-9]{1,2})(?:\.([0-9]+))?\s*Z?")


def content_candidates(tags: Mapping[str, str], kind: Kind) -> tuple[DateCandidate, ...]:
    """All date statements among a content's tags, rejected ones with the reason; best rank first.

    `tags` maps exiftool's `Group:Name` (family 0) to text. One statement gives one candidate, named
    after the tag that holds it: zone, sub-seconds and the time of a split date are joined to it.
    When a sidecar was modified says nothing of the picture and is left out. Never raises.
    """
    stated = (tag for tag in _RANKS if tag in tags or _STATED_BY.get(tag, "") in tags)
    readings = {tag: reading for tag in stated if (reading := _read(tags, tag)) is not None}
    readings = {tag: _told(tag, reading, readings, tags) for tag, reading in readings.items()}
    found = []
    for tag, reading in readings.items():
        if kind is Kind.SIDECAR and _RANKS[tag] == Rank.MODIFIED:
            continue
        if reading.moment is None:
            text = as_evidence(tags.get(tag) or tags.get(_COMPOSITES.get(tag, ""), ""))
            found.append(DateCandidate(tag, text, _RANKS[tag], reading.rejected))
            continue
        moment, rank = reading.moment, _RANKS[tag]
        if tag == _ORIGINAL:
            moment, rank = _with_zone(moment, tags, readings)
            if rank == Rank.LOCAL and _is_time_of_scan(moment, tags, readings):
                rank = Rank.DIGITIZED
        elif rank == Rank.LOCAL and moment.offset is not None:
            rank = _zoned_rank(tag)
        found.append(DateCandidate(tag, moment.iso(), rank))
    return tuple(sorted(found, key=lambda c: (c.rank, belief(c.source))))


def belief(source: str) -> int:
    """The place of a source among those of its rank; a sidecar's come after the content's own, what
    a sibling says before what a name does."""
    of_sidecar = _TAKEOUT if source == "sidecar:takeout" else source.removeprefix("sidecar:")
    if source != of_sidecar:
        return len(_ORDER) + _ORDER.get(of_sidecar, len(_ORDER))
    return _ORDER.get(source, 2 * len(_ORDER) + (0 if source.startswith("sibling:") else 1))


def _zoned_rank(tag: str) -> Rank:
    """The rank of a capture time that carries a zone in its own text."""
    group = tag.partition(":")[0]
    if group in {"QuickTime", "XML"}:
        return Rank.ZONE_IN_CONTAINER
    # Editors write the zone of the desk they stand on, so XMP and IPTC gain no rank by it.
    return Rank.LOCAL if group in {"XMP", "IPTC"} else Rank.ZONE_IN_EXIF


def _read(tags: Mapping[str, str], tag: str) -> Reading | None:
    """The statement a tag makes together with its companions; None where it makes none."""
    if tag == _GPS:
        return _read_gps(tags)
    text = tags.get(tag, tags.get(_COMPOSITES.get(tag, "")))
    if text is None or (tag == _GPS_DATE and _read_gps(tags) is not None):
        return None
    if tag == _TAKEOUT:
        return read_epoch(text)
    if tag in _IPTC_TIMES:
        return _read_split(text, tags.get(_IPTC_TIMES[tag]))
    if tag in _SUBSECONDS:
        return _read_exif(tags, tag, text)
    return _as_phone(read_text(text), tags) if tag in _CONTAINER_TIMES else read_text(text)


def _read_exif(tags: Mapping[str, str], tag: str, text: str) -> Reading:
    """An EXIF time with the sub-seconds and the zone that stand in tags of their own."""
    reading = read_text(text)
    if reading.moment is None:
        return reading
    moment = _with_fraction(reading.moment, tags.get(_SUBSECONDS[tag], ""))
    if moment.offset is None and moment.has_time:
        moment = replace(moment, offset=parse_zone(tags.get(_OFFSETS[tag], "")))
    return _completed(Reading(moment), tags.get(_COMPOSITES[tag]))


def _completed(reading: Reading, composite: str | None) -> Reading:
    """Take fraction and zone from exiftool's own sum where the parts were not asked for."""
    moment = reading.moment
    whole = read_text(composite).moment if composite is not None else None
    if moment is None or whole is None or not _same_second(moment, whole):
        return reading
    fuller = moment if moment.fraction else replace(whole, offset=moment.offset)
    return Reading(fuller if fuller.offset is not None else replace(fuller, offset=whole.offset))


def _same_second(a: Moment, b: Moment) -> bool:
    return (
        a.has_time
        and b.has_time
        and a.local.replace(microsecond=0) == b.local.replace(microsecond=0)
    )


def _with_fraction(moment: Moment, digits: str) -> Moment:
    """Join the digits of a sub-second tag, unless the text had a fraction of its own."""
    digits = digits.partition("\0")[0].strip()
    if moment.precision is not Precision.SECOND or not re.fullmatch(r"[0-9]+", digits):
        return moment
    digits = digits[:9]
    local = moment.local.replace(microsecond=int(digits[:6].ljust(6, "0")))
    return Moment(local, Precision.FRACTION, moment.offset, digits)


def _with_zone(
    moment: Moment, tags: Mapping[str, str], readings: Mapping[str, Reading]
) -> tuple[Moment, Rank]:
    """Find the zone of the capture time: in EXIF, else from the satellites' UTC."""
    if moment.offset is not None:
        return moment, Rank.ZONE_IN_EXIF
    if not moment.has_time:
        return moment, Rank.LOCAL
    for tag in ("EXIF:CreateDate", "EXIF:ModifyDate"):
        # Some phones set only OffsetTime. It holds for the capture where both read the same clock.
        twin = readings[tag].moment if tag in readings else None
        if twin is not None and twin.offset is not None and _same_second(twin, moment):
            return replace(moment, offset=twin.offset), Rank.ZONE_IN_EXIF
    offset = _hours_offset(tags.get("EXIF:TimeZoneOffset", "")) or _makers_offset(tags)
    if offset is not None:
        return replace(moment, offset=offset), Rank.ZONE_IN_EXIF
    fix = readings[_GPS].moment if _GPS in readings else None
    if fix is not None:
        zone = nearest_zone(gap(replace(fix, offset=None), moment), _FIX_AGE)
        if zone is not None:
            return replace(moment, offset=zone), Rank.ZONE_FROM_GPS
    return moment, Rank.LOCAL


def _is_time_of_scan(
    moment: Moment, tags: Mapping[str, str], readings: Mapping[str, Reading]
) -> bool:
    """Scanners write the time of the scan as that of the capture, too. Where somebody put it right,
    the two differ."""
    made = readings["EXIF:CreateDate"].moment if "EXIF:CreateDate" in readings else None
    if made is not None and not _same_second(made, moment):
        return False
    return _SCANNER.search(f"{tags.get('EXIF:Make', '')} {tags.get('EXIF:Model', '')}") is not None


def _hours_offset(text: str) -> timedelta | None:
    """TIFF/EP TimeZoneOffset: hours, of the capture time first; 0 is what an unset one holds."""
    match = re.match(r"\s*([+-]?[0-9]{1,2})(?:\s|$)", text)
    hours = int(match[1]) if match else 0
    return timedelta(hours=hours) if hours and -12 <= hours <= 14 else None


def _makers_offset(tags: Mapping[str, str]) -> timedelta | None:
    """The zone in Canon's and Nikon's notes, outside of summer time.

    UTC is what a menu that nobody opened holds. In summer the makers differ in whether the hour is
    part of the zone, so that nothing is said then.
    """
    if tags.get("MakerNotes:DaylightSavings", "") not in {"0", "Off", "No"}:
        return None
    text = tags.get("MakerNotes:TimeZone", "")
    if re.fullmatch(r"-?[0-9]{1,3}", text):  # minutes, where exiftool gives plain numbers
        minutes = timedelta(minutes=int(text))
        return minutes if minutes and nearest_zone(minutes, timedelta()) is not None else None
    return parse_zone(text) or None


def _read_gps(tags: Mapping[str, str]) -> Reading | None:
    """The satellites' UTC; None where there is no full one."""
    if _GPS in tags:
        reading = read_text(tags[_GPS])
    else:
        clock = _GPS_TIME.fullmatch(tags.get("EXIF:GPSTimeStamp", "").strip())
        if clock is None or _GPS_DATE not in tags:
            return None
        day = read_text(tags[_GPS_DATE])
        if day.moment is None:
            return None
        date = (day.moment.local.year, day.moment.local.month, day.moment.local.day)
        time = (int(clock[1]), int(clock[2]), int(clock[3]))
        reading = judge(moment_of((*date, *time), fraction=clock[4] or ""), "no such day or time")
    if reading.moment is None or not reading.moment.has_time:
        return reading
    return Reading(replace(reading.moment, offset=timedelta()))


def _read_split(date: str, time: str | None) -> Reading:
    """IPTC keeps date and time apart. It demands a zone, so `+00:00` stands for "unknown"."""
    day = read_text(date)
    if day.moment is None or not (day.moment.has_time or time):
        return day
    if day.moment.has_time:
        return Reading(replace(day.moment, offset=day.moment.offset or None))
    clock = re.sub(r"^([0-9]{2})([0-9]{2})([0-9]{2})", r"\1:\2:\3", (time or "").strip())
    whole = read_text(f"{day.moment.iso()} {clock}").moment
    if whole is None:
        return day
    return Reading(replace(whole, offset=whole.offset or None))


def _as_phone(reading: Reading, tags: Mapping[str, str]) -> Reading:
    """Android and Apple write container times in UTC; of cameras one cannot say."""
    moment = reading.moment
    is_phone = "QuickTime:AndroidVersion" in tags or tags.get("QuickTime:Make") == "Apple"
    if moment is None or moment.offset is not None or not is_phone:
        return reading
    return Reading(replace(moment, offset=timedelta() if moment.has_time else None))


def _told(
    tag: str, reading: Reading, readings: Mapping[str, Reading], tags: Mapping[str, str]
) -> Reading:
    """A container's time, with the zone that the file's other statements tell."""
    if reading.moment is None or tag not in _CONTAINER_TIMES:
        return reading
    others = (
        other.moment
        for name, other in readings.items()
        if name not in _CONTAINER_TIMES
        and _RANKS[name] != Rank.MODIFIED
        and other.moment is not None
    )
    return Reading(with_told_zone(reading.moment, others, _duration(tags)))


def _duration(tags: Mapping[str, str]) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})(?:\.[0-9]*)?", tags.get("QuickTime:Duration", ""))
    return timedelta(seconds=int(match[1])) if match else timedelta()

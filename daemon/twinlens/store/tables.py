"""The tables of the library: what was seen by path and what was measured by content.

Each table and each index has a sentence on why it is there. Times that come from `stat` are
integers in nanoseconds; all others are ISO 8601 text in UTC. 64-bit unsigned values (hashes, inode
and device numbers) are kept as two's complement: SQLite has no unsigned integers.
"""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    CompositeKey,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


class Catalog(Model):
    """A named library, so that files of two libraries are never mixed."""

    id = AutoField()
    name = TextField(unique=True)
    action = TextField(default="report")

    class Meta:
        table_name = "catalog"


class Root(Model):
    """A watched folder: its identity, health and how it is watched, for `status` to show."""

    id = AutoField()
    catalog_id: int
    catalog = ForeignKeyField(Catalog, backref="roots", index=False)
    path = BlobField(unique=True)
    is_active = BooleanField(default=True)
    state = TextField(default="online")
    detail = TextField(default="")
    identity = TextField(null=True)
    watch_mode = TextField(default="none")
    watch_detail = TextField(default="")
    overflows = IntegerField(default=0)
    last_scan_at = TextField(null=True)

    class Meta:
        table_name = "root"


class Original(Model):
    """One content and all that was measured of it; a copy is never measured twice."""

    id = AutoField()
    sha256 = CharField(max_length=64, unique=True)
    size = BigIntegerField()
    media_type = TextField()
    kind = TextField()
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    orientation = IntegerField(null=True)
    metadata = TextField(default="{}")
    phash = BigIntegerField(null=True)
    dhash = BigIntegerField(null=True)
    ahash = BigIntegerField(null=True)
    whash = BigIntegerField(null=True)
    degenerate = TextField(null=True)
    algorithm_version = IntegerField()
    quality_score = FloatField(null=True)
    latitude = FloatField(null=True)
    longitude = FloatField(null=True)
    geohash4 = TextField(null=True)
    geohash6 = TextField(null=True)
    geohash8 = TextField(null=True)
    captured_at = TextField(null=True)
    taken_at = TextField(null=True)
    taken_at_source = TextField(null=True)
    taken_at_confidence = TextField(default="none")
    candidates = TextField(default="[[],[]]")
    reference_count = IntegerField(default=0, constraints=[Check("reference_count >= 0")])
    orphaned_at = TextField(null=True)
    error = TextField(null=True)
    image_digest = TextField(null=True)
    burst_id = TextField(null=True)
    content_identifier = TextField(null=True)

    class Meta:
        table_name = "original"
        # Contents of equal size: asked before each analysis, so that a copy is not decoded again.
        indexes = (
            (("size",), False),
            # What an older version measured is asked at each scan.
            (("algorithm_version",), False),
        )


# Duplicates and orphans are few among many: partial indexes stay small on a large library.
Original.add_index(
    Original.sha256,
    Original.size,
    Original.reference_count,
    name="original_shared",
    where=Original.reference_count > 1,
)
Original.add_index(
    Original.reference_count, name="original_unreferenced", where=Original.reference_count == 0
)
Original.add_index(
    Original.orphaned_at, name="original_orphaned", where=Original.orphaned_at.is_null(False)
)
# What failed for want of a tool is looked for at each start.
Original.add_index(Original.error, name="original_error", where=Original.error.is_null(False))
# What was taken within the same seconds, and what a phone gave one identifier: bursts, live photos.
Original.add_index(
    Original.captured_at, name="original_captured_at", where=Original.captured_at.is_null(False)
)
Original.add_index(
    Original.burst_id, name="original_burst_id", where=Original.burst_id.is_null(False)
)
Original.add_index(
    Original.content_identifier,
    name="original_content_identifier",
    where=Original.content_identifier.is_null(False),
)
# Contents that differ in metadata only.
Original.add_index(
    Original.image_digest, name="original_image_digest", where=Original.image_digest.is_null(False)
)


class Miniature(Model):
    """The small picture that a second look compares, without its keys: beside the content, because
    it is more than all else that is known of it and seldom read."""

    original_id: int
    original = ForeignKeyField(Original, primary_key=True, on_delete="CASCADE")
    pixels = BlobField()

    class Meta:
        table_name = "miniature"


class SearchKeys(Model):
    """What a content is found by among those that look like it: all rows are read at once, to fill
    the index in memory, so nothing else is in them."""

    original_id: int
    original = ForeignKeyField(Original, primary_key=True, on_delete="CASCADE")
    keys = BlobField()

    class Meta:
        table_name = "search_keys"


class File(Model):
    """One path under a root, as last seen. `directory` is relative to the root, without a slash
    at its end, so that a folder's files are one range of the unique index."""

    id = AutoField()
    root_id: int
    original_id: int | None
    root = ForeignKeyField(Root, backref="files", index=False)
    directory = BlobField()
    name = BlobField()
    radical = TextField()
    size = BigIntegerField()
    mtime_ns = BigIntegerField()
    ctime_ns = BigIntegerField()
    device = BigIntegerField()
    inode = BigIntegerField()
    is_nested = BooleanField(default=False)
    original = ForeignKeyField(Original, null=True, backref="files", on_delete="SET NULL")
    kind = TextField(null=True)
    burst_key = TextField(null=True)
    status = TextField()
    error = TextField(null=True)
    deleted_at = TextField(null=True)
    first_seen_at = TextField()
    updated_at = TextField()
    # When it was last read whole, and what the verification found then: copies of what is said
    # there, so that the file that waits longest is found in an index.
    read_at = TextField(default="", constraints=[SQL("DEFAULT ''")])
    verdict = TextField(null=True)

    class Meta:
        table_name = "file"
        indexes = (
            # One row a path; also finds the files of a folder while scanning.
            (("root", "directory", "name"), True),
            # The neighbours that may be the same photograph.
            (("root", "radical"), False),
            # Where a new path was moved from.
            (("inode", "size"), False),
            # Which file was not read for longest.
            (("root", "status", "read_at"), False),
        )


# Most files are well: those that are not, and those that went, are counted for the metrics.
File.add_index(File.status, name="file_not_ok", where=File.status != "ok")
# The frames of a burst that only their names tell of.
File.add_index(
    File.root, File.burst_key, name="file_burst_key", where=File.burst_key.is_null(False)
)


class FileGroup(Model):
    """Files of one photograph. `bucket` is the radical under which they met."""

    id = AutoField()
    root_id: int
    root = ForeignKeyField(Root, index=False)
    bucket = TextField()
    group_type = TextField()
    aspects = TextField(default="", constraints=[SQL("DEFAULT ''")])
    rule = TextField()

    class Meta:
        table_name = "file_group"
        # A bucket's groups are rebuilt together.
        indexes = ((("root", "bucket"), False),)


class GroupMember(Model):
    """One file's part in a group, and the values that decided."""

    id = AutoField()
    group_id: int
    file_id: int
    group = ForeignKeyField(FileGroup, backref="members", on_delete="CASCADE", index=False)
    file = ForeignKeyField(File, on_delete="CASCADE")
    file_type = TextField()
    is_primary = BooleanField()
    evidence = TextField()
    rule = TextField(default="", constraints=[SQL("DEFAULT ''")])
    runner_up = TextField(null=True)
    sequence = IntegerField(null=True)

    class Meta:
        table_name = "group_member"
        indexes = ((("group", "file"), True),)


class DuplicateGroup(Model):
    """Contents that show the same. `key` is made of the members' digests, so it is the same after
    any order of arrival. Exact duplicates are no rows here: they are originals whose reference
    count is above 1."""

    id = AutoField()
    key = TextField(unique=True)
    duplicate_type = TextField()
    duplicate_class = TextField()
    confidence = FloatField()
    rule = TextField()
    reviewed = BooleanField(default=False)

    class Meta:
        table_name = "duplicate_group"
        # In the order in which they are shown, and counted.
        indexes = ((("duplicate_class", "key"), False),)


class DuplicateMember(Model):
    """One content's part in a duplicate group."""

    id = AutoField()
    group_id: int
    original_id: int
    group = ForeignKeyField(DuplicateGroup, backref="members", on_delete="CASCADE", index=False)
    original = ForeignKeyField(Original, on_delete="CASCADE")
    similarity = FloatField()
    is_primary = BooleanField()

    class Meta:
        table_name = "duplicate_member"
        indexes = ((("group", "original"), True),)


class Lookalike(Model):
    """The verdict on two contents that look alike. Groups are made of these, so that an arrival is
    compared with what is near it and never with what hangs together behind that."""

    first_id: int
    second_id: int
    first = ForeignKeyField(Original, on_delete="CASCADE", index=False)
    # Found from either side, and when a content goes.
    second = ForeignKeyField(Original, on_delete="CASCADE")
    duplicate_class = TextField()
    similarity = FloatField()
    distance = IntegerField()
    confidence = FloatField()
    rule = TextField()
    needs_witness = BooleanField()

    class Meta:
        table_name = "lookalike"
        primary_key = CompositeKey("first", "second")


class Crowded(Model):
    """A content that looks like so many others that its looks say nothing of it."""

    original_id: int
    original = ForeignKeyField(Original, primary_key=True, on_delete="CASCADE")

    class Meta:
        table_name = "crowded"


class ExactCopy(Model):
    """What the copies of a content with several files come to; see `exact_copies`. Without values
    it has to be reckoned anew."""

    original_id: int
    original = ForeignKeyField(Original, primary_key=True, on_delete="CASCADE")
    is_several = BooleanField(null=True)
    spare_bytes = BigIntegerField(null=True)

    class Meta:
        table_name = "exact_copy"


ExactCopy.add_index(
    ExactCopy.original, name="exact_copy_unreckoned", where=ExactCopy.is_several.is_null()
)


class FileTally(Model):
    """How many files there are of each sort; kept by triggers, see `tallies`. `contents` counts
    those that refer to one. "" stands for what a file has none of."""

    root_id = IntegerField()
    status = TextField()
    kind = TextField()
    verdict = TextField()
    files = IntegerField()
    contents = IntegerField()
    bytes = BigIntegerField()

    class Meta:
        table_name = "file_tally"
        primary_key = CompositeKey("root_id", "status", "kind", "verdict")
        without_rowid = True


class GroupTally(Model):
    """How many file groups there are of each type; kept by triggers, too."""

    root_id = IntegerField()
    group_type = TextField()
    groups = IntegerField()

    class Meta:
        table_name = "group_tally"
        primary_key = CompositeKey("root_id", "group_type")
        without_rowid = True


LIBRARY_TABLES: tuple[type[Model], ...] = (
    Catalog,
    Root,
    Original,
    Miniature,
    SearchKeys,
    File,
    FileGroup,
    GroupMember,
    DuplicateGroup,
    DuplicateMember,
    Lookalike,
    Crowded,
    ExactCopy,
    FileTally,
    GroupTally,
)

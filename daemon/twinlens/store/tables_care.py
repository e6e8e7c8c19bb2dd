"""The tables of care: what reading files again proved, what holds a content beside its files, how
long orphans have been seen, which contents a camera's clock was wrong for, and which folders no
scan could read."""

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from twinlens.store.tables import File, Original, Root


class Verification(Model):
    """The last reading of a file by the verification.

    `sha256` is what it should be: the digest stays when the file rots, whatever is recorded of it
    later. `size` and `mtime_ns` are the file's when it was read: a finding stands while they stay.
    `found_at` is when a damage was first seen, `sound_at` when the file was last found sound.
    """

    id = AutoField()
    file_id: int
    file = ForeignKeyField(File, unique=True, on_delete="CASCADE")
    verdict = TextField()
    sha256 = TextField()
    found_sha256 = TextField(null=True)
    error = TextField(null=True)
    size = BigIntegerField()
    mtime_ns = BigIntegerField()
    read_at = TextField()
    sound_at = TextField(null=True)
    found_at = TextField(null=True)

    class Meta:
        table_name = "verification"


# Damages are few among many.
Verification.add_index(
    Verification.verdict,
    name="verification_damaged",
    where=Verification.found_at.is_null(False),
)


class Hold(Model):
    """A reference to a content beside those of its files: `holder` says of what kind it is, `key`
    which one. By digest, so that a content that was forgotten and comes back is held still."""

    id = AutoField()
    sha256 = TextField()
    holder = TextField()
    key = TextField()

    class Meta:
        table_name = "hold"
        # One row a reference, however often it is taken; and all that ends with one holder.
        indexes = ((("sha256", "holder", "key"), True), (("holder", "key"), False))


class Orphan(Model):
    """A content that the cleanup has seen without any reference. `since` is the time it became an
    orphan at, and changes where it has begun anew; `lived` is the seconds (see `store.lived`) when
    it was first seen, `passes` how often it was, `is_reconciled` whether a whole reconciliation has
    gone over it since."""

    id = AutoField()
    original_id: int
    original = ForeignKeyField(Original, unique=True, on_delete="CASCADE")
    since = TextField()
    lived = FloatField()
    passes = IntegerField()
    is_reconciled = BooleanField()

    class Meta:
        table_name = "orphan"


class ClockDoubt(Model):
    """A content that is part of a fault of its camera's clock, as it was last found.

    `stated` is the time that the camera told, `evidence` a JSON list of words."""

    id = AutoField()
    original_id: int
    original = ForeignKeyField(Original, unique=True, on_delete="CASCADE")
    fault = TextField()
    stated = TextField()
    evidence = TextField()

    class Meta:
        table_name = "clock_doubt"


class UnreadFolder(Model):
    """A folder that the last scan of it could not read, or not whole: what is new in it is not
    known. `directory` is relative to the root, `since` when a scan first met this."""

    id = AutoField()
    root_id: int
    root = ForeignKeyField(Root, on_delete="CASCADE", index=False)
    directory = BlobField()
    reason = TextField()
    since = TextField()

    class Meta:
        table_name = "unread_folder"
        # One row a folder; asked for by root.
        indexes = ((("root", "directory"), True),)


CARE_TABLES: tuple[type[Model], ...] = (Verification, Hold, Orphan, ClockDoubt, UnreadFolder)

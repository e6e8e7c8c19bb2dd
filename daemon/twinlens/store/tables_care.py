"""The tables of care: what reading files again proved, and how long orphans have been seen."""

from peewee import AutoField, BigIntegerField, ForeignKeyField, IntegerField, Model, TextField

from twinlens.store.tables import File, Original


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


class Orphan(Model):
    """A content that the cleanup has seen without a live file, in how many passes. `since` is when
    its grace began: when it became an orphan, or later where the clock was found to have jumped."""

    id = AutoField()
    original_id: int
    original = ForeignKeyField(Original, unique=True, on_delete="CASCADE")
    since = TextField()
    passes = IntegerField()

    class Meta:
        table_name = "orphan"


CARE_TABLES: tuple[type[Model], ...] = (Verification, Orphan)

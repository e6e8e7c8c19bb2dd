"""The tables of what the owner said and what was done: decisions, tags, actions, revisions.

Nothing writes the actions yet; their shape is part of the first schema, so that a library that is
recorded today needs no rebuild when they are used.
"""

from peewee import (
    AutoField,
    BlobField,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from twinlens.store.tables import FileGroup, Original, Root


class Burst(Model):
    """What is particular to a group of type burst: its span and its best picture."""

    id = AutoField()
    group_id: int
    best_original_id: int | None
    group = ForeignKeyField(FileGroup, unique=True, on_delete="CASCADE")
    started_at = TextField(null=True)
    ended_at = TextField(null=True)
    camera = TextField(null=True)
    best_original = ForeignKeyField(Original, null=True, on_delete="SET NULL", index=False)

    class Meta:
        table_name = "burst"


class UserDecision(Model):
    """What the owner said, keyed by content, so that it survives renames and new thresholds.

    `other_sha256` is the second content of a statement about two ("not a duplicate"), the greater
    of them; it is empty for all others. A row is withdrawn, never deleted.
    """

    id = AutoField()
    sha256 = TextField()
    other_sha256 = TextField(default="")
    verb = TextField()
    value = TextField(null=True)
    decided_at = TextField()
    withdrawn_at = TextField(null=True)

    class Meta:
        table_name = "user_decision"
        # All that was said of one content, or of it and another.
        indexes = ((("sha256", "verb"), False), (("other_sha256", "verb"), False))


class Tag(Model):
    """A word for pictures."""

    id = AutoField()
    name = TextField(unique=True)

    class Meta:
        table_name = "tag"


class OriginalTag(Model):
    """A tag on a content: from the owner or from a model, with the model's confidence."""

    id = AutoField()
    original_id: int
    tag_id: int
    original = ForeignKeyField(Original, on_delete="CASCADE", index=False)
    tag = ForeignKeyField(Tag, on_delete="CASCADE")
    source = TextField(default="manual")
    confidence = FloatField(null=True)

    class Meta:
        table_name = "original_tag"
        indexes = ((("original", "tag", "source"), True),)


class Action(Model):
    """A change to the owner's files: the journal's head, written before anything is done."""

    id = AutoField()
    plan_id = TextField(unique=True)
    kind = TextField()
    state = TextField()
    created_at = TextField()
    finished_at = TextField(null=True)

    class Meta:
        table_name = "action"


class ActionStep(Model):
    """One step of an action: the intent, and what was verified when it was carried out."""

    id = AutoField()
    action_id: int
    root_id: int
    action = ForeignKeyField(Action, backref="steps", on_delete="CASCADE", index=False)
    number = IntegerField()
    root = ForeignKeyField(Root, index=False)
    victim = BlobField()
    keeper = BlobField(null=True)
    sha256 = TextField()
    state = TextField()
    evidence = TextField(default="{}")

    class Meta:
        table_name = "action_step"
        indexes = ((("action", "number"), True),)


class Revision(Model):
    """Who changed which entity how; rows are only ever added."""

    id = AutoField()
    entity = TextField()
    entity_key = TextField()
    actor = TextField()
    at = TextField()
    what = TextField()
    before = TextField(null=True)
    after = TextField(null=True)

    class Meta:
        table_name = "revision"
        # The story of one entity.
        indexes = ((("entity", "entity_key"), False),)


OWNER_TABLES: tuple[type[Model], ...] = (
    Burst,
    UserDecision,
    Tag,
    OriginalTag,
    Action,
    ActionStep,
    Revision,
)

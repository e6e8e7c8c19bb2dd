"""The tables of what the owner said and what was done: decisions, tags, actions, revisions.

Decisions, tags and revisions are the owner's word and its story; the actions are the journal of
what was changed below the roots.
"""

from peewee import (
    AutoField,
    BigIntegerField,
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
    of them; it is empty for all others. `named` and `other_named` are the absolute paths that the
    owner named, for people to know them by. A row is withdrawn, never deleted.
    """

    id = AutoField()
    sha256 = TextField()
    other_sha256 = TextField(default="")
    verb = TextField()
    value = TextField(null=True)
    decided_at = TextField()
    withdrawn_at = TextField(null=True)
    named = BlobField(null=True)
    other_named = BlobField(null=True)

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
    plan_id = TextField()
    state = TextField()
    created_at = TextField()
    finished_at = TextField(null=True)

    class Meta:
        table_name = "action"


class ActionStep(Model):
    """One step of an action: the intent, and what was verified when it was carried out.

    `token` is its place in the trash of the root. Steps of one unit are carried out together.
    """

    id = AutoField()
    action_id: int
    root_id: int
    keeper_root_id: int
    action = ForeignKeyField(Action, backref="steps", on_delete="CASCADE", index=False)
    number = IntegerField()
    unit = IntegerField()
    kind = TextField()
    root = ForeignKeyField(Root, index=False)
    victim = BlobField()
    keeper_root = ForeignKeyField(Root, index=False, backref="kept_steps")
    keeper = BlobField()
    sha256 = TextField()
    size = BigIntegerField()
    rule = TextField()
    token = TextField(unique=True)
    state = TextField()
    reason = TextField(default="")
    evidence = TextField(default="{}")
    updated_at = TextField()

    class Meta:
        table_name = "action_step"
        indexes = (
            (("action", "number"), True),
            # What a crash left open, and what lies in the trash.
            (("state",), False),
        )


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

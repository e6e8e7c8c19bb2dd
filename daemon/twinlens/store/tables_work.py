"""The tables of work: the queue, jobs and their batches, the webhook outbox, and odd facts."""

from peewee import (
    SQL,
    AutoField,
    BlobField,
    BooleanField,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from twinlens.store.tables import Root


class WorkItem(Model):
    """A path waiting to be looked at: the queue's memory, so that a crash loses none.

    `attempts` are the tries that failed, `workers_lost` the workers that it cost.
    `not_before` and `leased_until` are seconds since the epoch. `sampled` is the size and mtime
    that must still be the same when the item is taken up.
    """

    id = AutoField()
    root_id: int
    root = ForeignKeyField(Root, on_delete="CASCADE", index=False)
    path = BlobField()
    reason = TextField()
    state = TextField(default="pending")
    attempts = IntegerField(default=0)
    workers_lost = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    not_before = FloatField(default=0.0)
    leased_until = FloatField(null=True)
    sampled = TextField(null=True)
    error = TextField(null=True)
    created_at = TextField()

    class Meta:
        table_name = "work_item"
        indexes = (
            # One entry a path, however many hints arrive.
            (("root", "path"), True),
            # What is due next.
            (("state", "not_before"), False),
        )


class Job(Model):
    """A long pass. A row with state `pending` is also how another process asks for one."""

    id = AutoField()
    name = TextField()
    argument = TextField(default="{}")
    state = TextField(default="pending")
    is_discovered = BooleanField(default=False)
    total = IntegerField(null=True)
    succeeded = IntegerField(default=0)
    failed = IntegerField(default=0)
    cancel_requested = BooleanField(default=False)
    error = TextField(null=True)
    result = TextField(null=True)
    created_at = TextField()
    started_at = TextField(null=True)
    finished_at = TextField(null=True)

    class Meta:
        table_name = "job"
        # What waits or runs, among years of finished passes.
        indexes = ((("state",), False),)


class JobBatch(Model):
    """A restartable part of a job: the items are in it until it is done."""

    id = AutoField()
    job_id: int
    job = ForeignKeyField(Job, backref="batches", on_delete="CASCADE", index=False)
    number = IntegerField()
    state = TextField(default="pending")
    items = TextField()
    retries = IntegerField(default=0)
    succeeded = IntegerField(default=0)
    failed = IntegerField(default=0)
    error = TextField(null=True)

    class Meta:
        table_name = "job_batch"
        indexes = ((("job", "number"), True),)


class OutboxEntry(Model):
    """A webhook message that was not delivered yet; it outlives the daemon."""

    id = AutoField()
    target = TextField()
    body = BlobField()
    attempts = IntegerField(default=0)
    not_before = FloatField()
    given_up = BooleanField(default=False)
    error = TextField(null=True)
    created_at = TextField()

    class Meta:
        table_name = "outbox"
        indexes = ((("given_up", "not_before"), False),)


class Meta(Model):
    """Odd facts by name: the time of the last pass, the writer's version."""

    key = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "meta"


WORK_TABLES: tuple[type[Model], ...] = (WorkItem, Job, JobBatch, OutboxEntry, Meta)

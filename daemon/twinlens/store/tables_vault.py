"""The table of the vault: what each of its objects is known to be."""

from peewee import AutoField, BigIntegerField, FloatField, IntegerField, Model, TextField


class Blob(Model):
    """One object of the vault, by the digest in its name; see `model.vault.BlobState` for what a
    row claims. It refers to no row of `original`: a content can be forgotten and its object still
    lie in the vault.

    `passes` counts those that saw it without a reference in its present state, since `waits_at`;
    `waits_lived` is that moment in the seconds of `store.lived`, `waits_reconciled` the time when
    references had last been counted anew then. They mean nothing while `passes` is 0.
    """

    id = AutoField()
    sha256 = TextField(unique=True)
    size = BigIntegerField()
    how = TextField()
    state = TextField()
    stored_at = TextField()
    verified_at = TextField(null=True)
    checked_at = TextField(null=True)
    error = TextField(null=True)
    passes = IntegerField(default=0)
    waits_at = TextField(null=True)
    waits_lived = FloatField(null=True)
    waits_reconciled = TextField(null=True)

    class Meta:
        table_name = "blob"
        # Those that are in doubt or on their way out are few; and whose turn it is to be read.
        indexes = ((("state", "checked_at"), False),)


VAULT_TABLES: tuple[type[Model], ...] = (Blob,)

"""The table of the vault: what each of its objects is known to be."""

from peewee import AutoField, BigIntegerField, IntegerField, Model, TextField


class Blob(Model):
    """One object of the vault, by the digest in its name; see `model.vault.BlobState` for what a
    row claims. It refers to no row of `original`: a content can be forgotten and its object still
    lie in the vault."""

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
    unreferenced_at = TextField(null=True)
    quarantined_at = TextField(null=True)

    class Meta:
        table_name = "blob"
        # Those that are in doubt or on their way out are few; and whose turn it is to be read.
        indexes = ((("state", "checked_at"), False),)


VAULT_TABLES: tuple[type[Model], ...] = (Blob,)

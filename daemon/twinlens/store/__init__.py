"""The SQLite database behind values of the model. No Peewee object leaves this room."""

"""The vault: a store of originals by content, besides the library; it knows no database."""

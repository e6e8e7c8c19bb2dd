"""Pure functions that measure: digests, fingerprints, metadata, dates, names, quality. No files are opened here."""

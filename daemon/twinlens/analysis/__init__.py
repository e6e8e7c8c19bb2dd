"""Pure functions that measure: fingerprints, metadata, dates, names, quality. They open no file."""

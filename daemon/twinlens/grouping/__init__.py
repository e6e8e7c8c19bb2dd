"""Pure rules that decide what belongs together: pairs, duplicates, primaries."""

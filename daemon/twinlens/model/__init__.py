"""The frozen values that every room speaks in. No effects, no libraries."""

"""The frozen values that every room speaks in: files, pictures, groups, jobs. No effects, no libraries."""

"""Which runs a list shows: by filter, by search, and all of them for the core."""

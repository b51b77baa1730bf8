"""What a run looks like from outside: its document, its snapshot, its events, and one look at all of it."""

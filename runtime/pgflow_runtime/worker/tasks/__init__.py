"""One task at a time: its inputs, its context, its handler in a slot, and what became of it."""

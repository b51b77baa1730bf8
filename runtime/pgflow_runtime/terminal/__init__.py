"""Runs as people read them in a terminal: tables, a tree of steps, progress. Only ``rich_view`` has rich."""

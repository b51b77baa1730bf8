"""Runs as people read them in a terminal: tables, a tree of steps, progress. Only ``painted`` knows rich."""

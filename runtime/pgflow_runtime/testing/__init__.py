"""Flows in a test: run in memory, by the rules of the SQL core, with the worker's own judgement of values."""

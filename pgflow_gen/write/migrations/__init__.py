"""Migrations: which were written, which are due, and what stands in their folder."""

"""Syntax tree to what its names mean, across modules."""

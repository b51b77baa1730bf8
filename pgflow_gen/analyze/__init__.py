"""Symbols to IR: reads a project's flows without importing them."""

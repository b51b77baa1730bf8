"""The asynchronous client; ``_sync`` is made from this package by ``scripts/async_to_sync.py``."""

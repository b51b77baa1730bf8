# Made from client/_async/__init__.py by scripts/async_to_sync.py; edit that one.
"""The synchronous client: threads where the asynchronous one has tasks."""

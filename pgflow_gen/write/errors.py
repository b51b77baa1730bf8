"""Why nothing was written."""

from __future__ import annotations

from pgflow_gen.config import ConfigError


class WriteError(ConfigError):
    """The folders of generated files cannot be used as they are; nothing was written."""

"""``--log-config``: a file with what ``logging.config.dictConfig`` takes, as TOML or JSON."""

from __future__ import annotations

import json
import logging.config
import tomllib
from pathlib import Path
from typing import Any

from pgflow_runtime.errors import UsageError
from pgflow_shared.system.files import NotText, read_text

_HELP = "it holds the dictionary of logging.config, as TOML (.toml) or JSON (.json): handlers, root, loggers"


def read_log_config(path: Path) -> dict[str, Any]:
    """The dictionary in a file, completed: ``version`` is 1, and loggers that exist stay as they are.

    Raises:
        UsageError: the file cannot be read, or holds no such dictionary.
    """
    try:
        text = read_text(path)
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"log config {path} cannot be read: {error.strerror}", help=_HELP) from error
    except NotText as error:
        raise UsageError(f"log config {path} cannot be read: {error}", help=_HELP) from error
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise UsageError(f"log config {path} is not {kind}: {error}", help=_HELP) from error
    if not isinstance(found, dict):
        raise UsageError(f"log config {path} holds no table", help=_HELP)
    return {"version": 1, "disable_existing_loggers": False, **found}


def apply_log_config(path: Path) -> dict[str, Any]:
    """Configure logging by a file; returns its dictionary. Raises UsageError, as when reading it."""
    config = read_log_config(path)
    try:
        logging.config.dictConfig(config)
    except Exception as error:  # whatever handlers and formatters of the user's raise
        reasons = [str(part) for part in (error, error.__cause__) if part is not None and str(part)]
        raise UsageError(f"log config {path}: {': '.join(reasons)}", help=_HELP) from error
    return config


def takes_over(config: dict[str, Any]) -> bool:
    """Whether the dictionary says where all lines go, and nothing of its own about the worker's."""
    loggers, root = config.get("loggers") or {}, config.get("root") or {}
    is_named = any(name == "pgflow" or name.startswith("pgflow.") for name in loggers)
    return bool(root.get("handlers")) and not is_named

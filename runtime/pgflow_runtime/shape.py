"""The hash of a flow's structure: what migration, client and worker compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def structure_hash(structure: Mapping[str, Any]) -> str:
    """``sha256:<hex>`` of the canonical JSON (sorted keys, no blanks, UTF-8), the same as the compiler's."""
    text = json.dumps(structure, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

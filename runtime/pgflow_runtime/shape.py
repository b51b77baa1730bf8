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


def differences(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """How a structure differs from the expected one, in words."""
    found = {step["slug"]: step for step in actual["steps"]}
    wanted = {step["slug"]: step for step in expected["steps"]}
    words = [f"it lacks step '{slug}'" for slug in wanted if slug not in found]
    words += [f"it has a step '{slug}' more" for slug in found if slug not in wanted]
    for slug in wanted.keys() & found.keys():
        for key in ("type", "dependencies"):
            if wanted[slug][key] != found[slug][key]:
                words.append(
                    f"{key} of step '{slug}': {_show(found[slug][key])}, not {_show(wanted[slug][key])}"
                )
    return "; ".join(sorted(words)) or "its canonical form differs"


def _show(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value) or "none"

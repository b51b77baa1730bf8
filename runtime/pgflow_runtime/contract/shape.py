"""How a flow's structure differs from the expected one, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgflow_shared.structure import by_slug


def differences(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """How a structure differs from the expected one, in words."""
    found = by_slug(actual)
    wanted = by_slug(expected)
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

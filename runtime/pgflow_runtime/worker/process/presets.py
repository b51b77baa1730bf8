"""Whether this process has what the presets of its flows need: asked before it takes a task."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

from pgflow_runtime.errors import UsageError
from pgflow_runtime.registry import RegisteredFlow
from pgflow_shared.distribution import extra
from pgflow_shared.presets import PRESETS
from pgflow_shared.text import listed


def demand_presets(flows: Sequence[RegisteredFlow], env: Mapping[str, str] = os.environ) -> None:
    """Raises UsageError: a flow is of a preset that is not installed here, or lacks its variables."""
    for item in flows:
        if item.contract.preset is not None:
            _demand(item.contract.slug, item.contract.preset, env)


def _demand(slug: str, name: str, env: Mapping[str, str]) -> None:
    what = f"flow {slug!r} is of the preset {name}"
    preset = PRESETS.get(name)
    if preset is None:
        raise UsageError(
            f"{what}, which this release does not know", help="install the release that built it"
        )
    try:
        import_module(preset.package)
    except ImportError as error:
        raise UsageError(f"{what}, which this worker does not have: {error}", help=extra(name)) from error
    missing = [variable for variable in preset.variables if not env.get(variable)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"{what}: {listed(missing)} {verb} not set", help="set them in the worker's environment"
        )

"""What a test puts in the place of a handler."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgflow_runtime.dsl.steps import Step


@dataclass(frozen=True, slots=True)
class Replacement:
    """A step and what stands in for its handler: made by ``step.returns`` and ``step.replaced``."""

    step: Step[Any]
    handler: Callable[..., Any]


def returning(step: Step[Any], value: object) -> Replacement:
    """Hands out ``value``, each time a copy that nobody else changes."""

    def handler(*_args: object, **_named: object) -> object:
        return deepcopy(value)

    return Replacement(step, handler)

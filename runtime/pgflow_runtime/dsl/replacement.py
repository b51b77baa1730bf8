"""What a test puts in the place of a handler."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

StepT = TypeVar("StepT")


@dataclass(frozen=True, slots=True)
class Replacement(Generic[StepT]):
    """A step and what stands in for its handler: made by ``step.returns`` and ``step.replaced``."""

    step: StepT
    handler: Callable[..., Any]


def returning(step: StepT, value: object) -> Replacement[StepT]:
    """Hands out ``value``, each time a copy that nobody else changes."""

    def handler(*_args: object, **_named: object) -> object:
        return deepcopy(value)

    return Replacement(step, handler)

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
    gives_output: bool = False
    """Of a subflow step: whether it stands in for the other flow, too."""


def returning(step: StepT, value: object, *, gives_output: bool = False) -> Replacement[StepT]:
    """Hands out ``value``, each time a copy that nobody else changes."""

    def handler(*_args: object, **_named: object) -> object:
        return deepcopy(value)

    return Replacement(step, handler, gives_output)

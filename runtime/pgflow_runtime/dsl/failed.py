"""What takes the place of a result where ``when_exhausted="value"``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failed:
    """A task whose attempts are exhausted, as the value that its dependents receive.

    A class of its own, so that ``isinstance(result, Failed)`` tells it from every result, for type checkers
    too. In the database it is ``{"$failed": {...}}``; worker and client turn that into this and back.

    Attributes:
        error: the first line of the last error, 500 characters at most.
        step: the slug of the step.
        index: the index of the element, in a map; 0 otherwise.
        attempts: how often the handler was called.
    """

    error: str
    step: str
    index: int
    attempts: int

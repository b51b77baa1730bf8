"""The driver's end of the conversation with the harness. Standard library only: every environment runs it."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any


class Mismatch(Exception):
    """An engine did not do the work it was given, or did it twice."""


def serve(driver: object) -> None:
    """Answer requests on stdin by the driver's methods of the same name, until stdin ends.

    Whatever engines print goes to stderr, so that stdout carries answers only.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        method = getattr(driver, request.pop("action"))
        try:
            answer = method(**request) or {}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def require(condition: bool, text: str) -> None:
    """Raise ``Mismatch`` unless the condition holds."""
    if not condition:
        raise Mismatch(text)


def chain_input(number: int) -> dict[str, Any]:
    """The input of the ``number``-th chain: a small object, as flows usually carry."""
    return {"n": number, "label": f"order {number}", "tags": ["new", "express"]}


def chain_first(value: dict[str, Any]) -> dict[str, Any]:
    return {"n": value["n"] + 1, "label": value["label"], "tags": value["tags"]}


def chain_second(value: dict[str, Any]) -> dict[str, Any]:
    return {"n": value["n"] * 2, "label": value["label"], "tags": value["tags"]}


def chain_third(value: dict[str, Any]) -> dict[str, Any]:
    return {"n": value["n"] - 3, "label": value["label"].upper(), "tags": [*value["tags"], "done"]}


def chain_output(number: int) -> dict[str, Any]:
    """What the third step must return."""
    return chain_third(chain_second(chain_first(chain_input(number))))


def fan_output(count: int) -> dict[str, int]:
    """What gathering ``count`` squares must return."""
    return {"count": count, "sum": sum(n * n for n in range(count))}


def percentiles(values: list[float]) -> dict[str, float]:
    """Median and 99th percentile, by nearest rank."""
    ordered = sorted(values)

    def rank(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {"p50": rank(0.5), "p99": rank(0.99), "max": ordered[-1]}

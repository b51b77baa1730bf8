"""Reading the text format of Prometheus as strictly as its parser does."""

from __future__ import annotations

import re
from typing import TypeAlias

Samples: TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def read(text: str) -> Samples:
    """All samples by name and labels; fails on anything out of format."""
    assert text.endswith("\n")
    found: Samples = {}
    kinds: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in kinds, f"{current} occurs twice"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current
            kinds[name] = kind
        else:
            match = _SAMPLE.match(line)
            assert match is not None, line
            name, inside, value = match.groups()
            assert name in [current + suffix for suffix in _SUFFIXES[kinds[current]]], line
            key = (name, frozenset(_labels(inside or "", line).items()))
            assert key not in found, line
            found[key] = float(value)
    return found


def _labels(inside: str, line: str) -> dict[str, str]:
    labels = {}
    at = 0
    while at < len(inside):
        match = _LABEL.match(inside, at)
        assert match is not None, line
        labels[match[1]] = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), match[2])
        at = match.end()
    return labels


def value(samples: Samples, metric: str, /, **labels: str) -> float:
    """The value of a sample; 0 where there is none."""
    return samples.get((metric, frozenset(labels.items())), 0.0)

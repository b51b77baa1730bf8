"""The engines by name, and the subjects that the command line asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import engines
from benchmarks.bench import Subject
from benchmarks.engines import Setting

ENGINES = ("ours",)


def make_subjects(
    names: Sequence[str], settings: Sequence[str], slots: Sequence[int], folder: Path
) -> list[Subject]:
    """Prepare the engines (build, install) and pair each with its settings."""
    subjects = []
    makers = {"ours": lambda: engines.ours(folder, our_settings(slots))}
    for name in names:
        engine = makers[name]()
        subjects += [
            Subject(engine, setting)
            for setting in engine.settings
            if setting.name.partition(" ")[0].rstrip(",") in settings
        ]
    return subjects


def our_settings(slots: Sequence[int]) -> tuple[Setting, ...]:
    """Defaults, and more slots with fewer log lines, as ``docs/running.md`` advises for short tasks."""
    tuned = tuple(
        Setting(
            f"tuned, {count} slots",
            ("--max-concurrent", str(count), "--batch-size", str(count), "--log-level", "warning"),
        )
        for count in slots
    )
    return (Setting("defaults"), *tuned)

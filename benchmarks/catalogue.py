"""The engines by name, and the subjects that the command line asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Subject
from benchmarks.engines import Setting, ours
from benchmarks.peer_engines import REQUIREMENTS, peer

ENGINES = ("ours", *REQUIREMENTS)


def make_subjects(
    names: Sequence[str], settings: Sequence[str], slots: Sequence[int], folder: Path
) -> list[Subject]:
    """Prepare the engines (build, install) and pair each with its settings."""
    subjects = []
    for name in names:
        engine = ours(folder, our_settings(slots)) if name == "ours" else peer(name)
        subjects += [
            Subject(engine, setting)
            for setting in engine.settings
            if any(setting.name.startswith(wanted) for wanted in settings)
        ]
    return subjects


def our_settings(slots: Sequence[int]) -> tuple[Setting, ...]:
    """Defaults; and more slots with fewer log lines, for tasks as short as these."""
    tuned = tuple(
        Setting(
            f"tuned, {count} slots",
            ("--max-concurrent", str(count), "--batch-size", str(count), "--log-level", "warning"),
        )
        for count in slots
    )
    return (Setting("defaults"), *tuned)

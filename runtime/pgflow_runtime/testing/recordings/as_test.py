"""A recorded run as a test of it: the file that ``runs export --as-test`` writes."""

from __future__ import annotations

from pathlib import Path

from pgflow_runtime.testing.recordings.reading import Recording
from pgflow_runtime.testing.replay.differences import error_in_words

_TEST = '''\
"""Run {run_id} of flow {slug}, followed with today's handlers."""

import asyncio
from pathlib import Path

from pgflow_runtime.testing import run_flow

from {module} import {imported}

RECORDED = Path(__file__).with_name({file!r})


def {name}() -> None:
    run = asyncio.run(run_flow({flow}, recorded=RECORDED))
{expected}
'''
_AS_IT_WAS = """\
    assert run.differences == (){note}
    assert run.status == "{status}\""""
_NAMES = {"asyncio", "Path", "run_flow", "run", "RECORDED"}


def name_of(flow_slug: str, run_id: str) -> str:
    """``test_order_6f1c9a52``: the end of a run's id is what tells it from its neighbours."""
    return f"test_{flow_slug}_{run_id.replace('-', '')[-8:]}"


def text_of_test(recording: Recording, flow: str, file: Path) -> str:
    """The text of the test.

    Args:
        flow: ``module:name`` of the flow.
        file: the recording, which stands beside the test.
    """
    module, _, variable = flow.partition(":")
    used = "the_flow" if variable in _NAMES else variable
    return _TEST.format(
        run_id=recording.run_id,
        slug=recording.flow_slug,
        module=module,
        imported=variable if used == variable else f"{variable} as {used}",
        file=file.name,
        name=name_of(recording.flow_slug, recording.run_id),
        flow=used,
        expected=_expected(recording),
    )


def _expected(recording: Recording) -> str:
    if recording.status != "failed":
        note = "  # outputs, too" if recording.status == "completed" else ""
        return _AS_IT_WAS.format(note=note, status=recording.status)
    slug, _ = recording.culprit
    where = f" in step {slug}" if slug is not None else ""
    error = error_in_words(recording.error)
    why = f"{error[:80]}..." if len(error) > 80 else error
    return "\n".join(
        [
            f"    # It failed{where}: {why}",
            "    # Once that is mended, the run completes, and run.differences says what changed.",
            _AS_IT_WAS.format(note="", status="failed"),
        ]
    )

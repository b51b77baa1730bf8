"""What a flow's options say of its companions, and a companion's of its flow."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.ir.companions import reads
from pgflow_gen.ir.flow import CompanionHandler, FlowSpec, Json
from pgflow_gen.render.settings.setting import Setting
from pgflow_shared.companions import end_slug, undo_slug
from pgflow_shared.options import Key

ENDED = {
    "failed": "the run failed",
    "cancelled": "the run was cancelled",
    "completed": "the run completed",
    "always": "the run ended",
}
"""What an end waits for, in words of pictures and pages."""


def companion_slugs(flow: FlowSpec) -> tuple[str, ...]:
    """The slugs in the database of a flow's companions."""
    undo = [undo_slug(flow.db_slug)] if flow.undos else []
    return (*undo, *(end_slug(flow.db_slug, item.slug) for item in flow.ends))


def companion_settings(flow: FlowSpec) -> Iterator[Setting]:
    """What is to be done when a run of the flow has ended; of a companion, whose it is."""
    if flow.companion_of is not None:
        yield Setting("companion", Key("companion"), {"of": flow.companion_of})
    if flow.undos:
        yield Setting("undo", Key("undo"), _undo(flow))
    if flow.ends:
        ends: Json = {end_slug(flow.db_slug, item.slug): _end(flow, item) for item in flow.ends}
        yield Setting("ends", Key("ends"), ends)


def _undo(flow: FlowSpec) -> dict[str, Json]:
    steps: dict[str, Json] = {}
    for handler in flow.undos:
        if handler.undone is not None:
            when: dict[str, Json] = {} if handler.when == "completed" else {"when": handler.when}
            steps[handler.undone.slug] = {"by": handler.slug, **when}
    return {"flow": undo_slug(flow.db_slug), "steps": steps, **_input(flow, flow.undos, "reads")}


def _end(flow: FlowSpec, handler: CompanionHandler) -> dict[str, Json]:
    return {"on": handler.on, **_input(flow, (handler,), "steps")}


def _input(flow: FlowSpec, handlers: tuple[CompanionHandler, ...], word: str) -> dict[str, Json]:
    """What the companion's input carries beside what is undone."""
    read = {slug for handler in handlers for slug in reads(handler)}
    found: dict[str, Json] = {word: [step.slug for step in flow.steps if step.slug in read]} if read else {}
    return {**found, "flow_input": True} if any(item.asks_for_input for item in handlers) else found

"""What a flow's options are in the database: settings as JSON, in the words of ``get_flow_definition``.

Only what was set is among them; times are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgflow_gen.ir.flow import FlowSpec, Json, Option, StepSpec
from pgflow_gen.ir.paths import FLOW_INPUT, path_keys
from pgflow_gen.render.settings.companions import companion_settings
from pgflow_gen.render.settings.schedules import schedules
from pgflow_gen.render.settings.setting import Setting
from pgflow_shared.options import BY_NAME, Judged, Key, Named, OptionRule

_PICK = "pick"
"""What a step of a companion takes from its run's input, which nobody writes."""


def settings(flow: FlowSpec) -> dict[str, Json]:
    """``{"max_attempts": 3, ..., "steps": {"fetch": {"timeout": 30}}}``; schedules where there are any."""
    steps: dict[str, Json] = {step.slug: _words(step_settings(step)) for step in flow.steps}
    found = {**_words(flow_settings(flow)), "steps": steps}
    return {**found, "schedules": schedules(flow)} if flow.schedules else found


def flow_settings(flow: FlowSpec) -> list[Setting]:
    """A flow's own, by name of the option; what is to be done at the end of its runs stands last."""
    return [*_settings(flow.options), *companion_settings(flow)]


def step_settings(step: StepSpec) -> list[Setting]:
    """A step's, by name of the option; those that name steps stand last."""
    named = {"if_ran": step.if_ran, "if_skipped": step.if_skipped}
    lists = [
        Setting(word, Key(word), [name.slug for name in names]) for word, names in named.items() if names
    ]
    path = step.option(_PICK)
    picked = [Setting(_PICK, Key(_PICK), path)] if path is not None else []
    return [*_settings(option for option in step.options if option.name != _PICK), *picked, *lists]


def _words(found: Iterable[Setting]) -> dict[str, Json]:
    return {setting.word: setting.value for setting in found}


def _settings(options: Iterable[Option]) -> Iterator[Setting]:
    for option in sorted(options, key=lambda option: option.name):
        rule = BY_NAME[option.name]
        if rule.sql is not None and option.value is not None:
            yield _setting(rule, rule.sql, option.value)


def _setting(rule: OptionRule, sql: Named | Key, value: Json) -> Setting:
    is_json = isinstance(rule.values, Judged) and rule.values.is_json
    if is_json and isinstance(value, list):  # any of several patterns
        word = f"{rule.word}_any"
        return Setting(word, Key(word), value)
    if rule.name in ("key", "until") and isinstance(value, str):
        keys = list[Json](path_keys(value))
        # A key's path is always one into the input; a sleep's says whether it is.
        is_known = rule.name == "key" and keys[0] == FLOW_INPUT
        return Setting(rule.word, sql, keys[1:] if is_known else keys)
    return Setting(rule.word, sql, value, is_json)

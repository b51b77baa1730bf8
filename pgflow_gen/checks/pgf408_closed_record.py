"""PGF408: other keys are refused that runs under way may hold."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF408",
    title="other keys are refused that runs under way may hold",
    text="""\
A record that takes no other keys (`closed=True`, `extra="forbid"`, `forbid_unknown_fields=True`) refuses
values that were stored when it took them, or when it had a key that it has no more. Let it take other keys,
or give the changed flow a new version beside the old one. The warning ends with the next release.""",
    bad="""\
$ pgflow-gen release
$ sed -i 's/(TypedDict)/(TypedDict, closed=True)/' flows/shop.py
$ pgflow-gen build
flows/shop.py:9:1: warning[PGF408]: input of flow 'shop' takes no other keys than its own now
""",
    good="""\
$ sed -i 's/(TypedDict, closed=True)/(TypedDict)/' flows/shop.py
$ pgflow-gen build
""",
    kind="session",
    severity="warning",
)

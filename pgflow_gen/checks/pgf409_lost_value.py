"""PGF409: a value is none any more that runs under way may hold."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF409",
    title="a value is none any more that runs under way may hold",
    text="""\
A member of an enum, or a value of a `Literal`, that is gone since the release may still be stored. Keep it
while runs are open that hold it, or give the changed flow a new version beside the old one. The warning
ends with the next release.""",
    bad="""\
$ pgflow-gen release
$ sed -i 's/Literal["new", "used"]/Literal["new"]/' flows/shop.py
$ pgflow-gen build
flows/shop.py:9:1: warning[PGF409]: input.state of flow 'shop' may not be 'used' any more
""",
    good="""\
$ sed -i 's/Literal["new"]/Literal["new", "used"]/' flows/shop.py
$ pgflow-gen build
""",
    kind="session",
    severity="warning",
)

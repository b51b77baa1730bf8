"""PGF406: a type refuses what runs under way may hold."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF406",
    title="a type refuses what runs under way may hold",
    text="""\
A run under way holds values of the types that were released. Where a type has become another or a narrower
one since, the next step that asks for such a value refuses it. Let the type take the old values as well, or
give the changed flow a new version beside the old one. The warning ends with the next release.""",
    bad="""\
$ pgflow-gen release
$ sed -i 's/    sku: str/    sku: int/' flows/shop.py
$ pgflow-gen build
flows/shop.py:9:1: warning[PGF406]: input.sku of flow 'shop' was string and is integer now
""",
    good="""\
$ sed -i 's/    sku: int/    sku: str | int/' flows/shop.py
$ pgflow-gen build
""",
    kind="session",
    severity="warning",
)

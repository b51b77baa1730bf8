"""PGF407: values are held to bounds that runs under way may not keep."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF407",
    title="values are held to bounds that runs under way may not keep",
    text="""\
A bound (`Ge`, `MaxLen`, `Field(pattern=...)`, a set for a list) that is new or tighter since the release is
not kept by what is stored already. Check it in the handler where runs start, or give the changed flow a new
version beside the old one. The warning ends with the next release.""",
    bad="""\
$ pgflow-gen release
$ sed -i 's/    sku: str/    sku: Annotated[str, MaxLen(8)]/' flows/shop.py
$ pgflow-gen build
flows/shop.py:9:1: warning[PGF407]: input.sku of flow 'shop' is held to maxLength 8 now
""",
    good="""\
$ sed -i 's/    sku: Annotated.*/    sku: str/' flows/shop.py
$ pgflow-gen build
""",
    kind="session",
    severity="warning",
)

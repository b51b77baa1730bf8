"""PGF405: a key is required that runs under way may lack."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF405",
    title="a key is required that runs under way may lack",
    text="""\
A run under way holds its input and the outputs of its steps as they were when they were stored. Where a
type has got a key since the release that it requires, the next step that asks for such a value refuses it.
With a default (a field's, or `NotRequired[Annotated[T, Default(x)]]`) what is stored is completed.
`release` notes the types of all flows, and each `build` compares; the warning ends with the next release.""",
    bad="""\
$ pgflow-gen release
$ sed -i 's/    sku: str/    sku: str\\n    size: int/' flows/shop.py
$ pgflow-gen build
flows/shop.py:9:1: warning[PGF405]: input.size of flow 'shop' is required now
""",
    good="""\
$ sed -i 's/    size: int/    size: NotRequired[Annotated[int, Default(1)]]/' flows/shop.py
$ pgflow-gen build
""",
    kind="session",
    severity="warning",
)

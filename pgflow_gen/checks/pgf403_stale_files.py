"""PGF403: generated files that are not what the flows say."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF403",
    title="generated files are stale, missing or left over",
    text="""\
What stands in the output folder is not what the flows say now. `build --check` changes nothing and says
so (`--diff` shows how); `build` brings the files up to date. Commit them with the change of the flow.""",
    bad="""\
$ pgflow-gen build --check
generated/crawl.py:1:1: error[PGF403]: this generated file is stale
""",
    good="""\
$ pgflow-gen build
$ pgflow-gen build --check
""",
    kind="session",
)

"""PGF404: a generated file that was edited by hand."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF404",
    title="a generated file was edited by hand",
    text="""\
A generated file is neither what was written last nor what would be written now. `build --check` refuses
that; `build` writes the file anew and warns: take the edit back, or change the flow from which the file is
made. Only a file that no flow asks for any more stays as long as it holds an edit.""",
    bad="""\
$ echo "# my note" >> generated/crawl.py
$ pgflow-gen build --check
generated/crawl.py:1:1: error[PGF404]: this generated file was edited by hand
""",
    good="""\
$ git checkout generated/crawl.py
$ pgflow-gen build --check
""",
    kind="session",
)

"""PGF317: an older version of a flow whose source is gone, while runs of it may be open."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF317",
    title="an older version's source is gone",
    text="""\
A version that was released is in databases, and so are its runs. Where the changed flow was put in place
of the old one, no worker has the old handlers any more, and open runs of the old version wait for ever.
Keep the old version beside the new one until its runs have ended: `pgflow-gen runs list --flow SLUG` shows
them, and so do `migrate`, a worker's start and `doctor`. The warning ends with the new one's release.""",
    bad="""\
$ pgflow-gen release
$ sed -i 's/Flow\\[str\\]("crawl")/Flow[str]("crawl", version=2)/' flows/crawl.py
$ pgflow-gen build
flows/crawl.py:3:1: warning[PGF317]: version 1 of flow 'crawl' is gone, and runs of it may be open
""",
    good="""\
$ git show HEAD:flows/crawl.py > flows/crawl_v1.py
$ pgflow-gen build
""",
    kind="session",
    severity="warning",
)

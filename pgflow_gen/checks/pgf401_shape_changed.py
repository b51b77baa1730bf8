"""PGF401: a released flow whose shape changed."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF401",
    title="the shape of a flow changed but its version did not",
    text="""\
A flow's shape is the slugs, types and dependencies of its steps. Runs that started on one shape finish on
it, so a released shape does not change: give the flow the next version, keep the old module as long as it has
open runs, and new runs start on the new one. Options and the bodies of handlers may change at any time.

Before `pgflow-gen release` a flow's migration is a draft, and its shape may change.""",
    bad="""\
$ # a step was added to crawl, whose migration is released
$ pgflow-gen build
flows/crawl.py:26:1: error[PGF401]: the shape of flow 'crawl' changed, but its version did not
   = note: step 'index' is new
   = note: step 'report' depends on 'index' now; it depended on 'fetch'
""",
    good="""\
$ # crawl = Flow[CrawlInput]("crawl", version=2)
$ pgflow-gen build
""",
    kind="session",
)

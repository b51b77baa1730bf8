"""PGF402: a migration that was edited or removed."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF402",
    title="a migration that was written before has been edited or removed",
    text="""\
Written migrations are a record of what databases have been through. A released one never changes again;
a correction is a new migration. When two branches wrote the same number, `pgflow-gen build --renumber` gives
the later one the next.""",
    bad="""\
$ rm generated/migrations/0001_crawl.sql
$ pgflow-gen build
generated/migrations/0001_crawl.sql:1:1: error[PGF402]: this migration was written before and is missing now
""",
    good="""\
$ git checkout generated/migrations/0001_crawl.sql
$ pgflow-gen build
""",
    kind="session",
)

"""PGF402: a migration that was edited or removed."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF402",
    title="a migration that was written before has been edited or removed",
    text="""\
Written migrations are a record of what databases have been through. One that `pgflow-gen release` marked
as shipped never changes again; a correction is a new migration. A draft is written anew by `build`, which
then only warns.

When two branches gave two migrations the same number, or let both follow the same one, this moves drafts
behind all others, and joins a manifest that git could not merge: `pgflow-gen build --renumber`.""",
    bad="""\
$ pgflow-gen release
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

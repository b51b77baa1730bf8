"""dbmate's migrations: SQL files with times, in two halves."""

from __future__ import annotations

from pgflow_shared.styles.style import Style


class Dbmate(Style):
    name = "dbmate"
    is_stamped = True

    def frame(self, head: str, body: str) -> str:
        # dbmate brings its own transaction.
        return f"{head}-- migrate:up\n\n{body}\n-- migrate:down\n"

    def wrap(self, sql: str) -> str:
        return f"-- migrate:up\n{sql}\n-- migrate:down\n"


STYLE = Dbmate()

"""SQL as a Python module for Alembic or Django, and its place in their chain of migrations."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_runtime.errors import UsageError
from pgflow_shared.styles.chain import ends
from pgflow_shared.styles.style import Style

_ALEMBIC = '''\
"""{title}: copied by pgflow-gen install; do not edit."""

from alembic import op

revision = "{link}"
down_revision = {after!r}
branch_labels = None
depends_on = None

SQL = """\\
{sql}"""


def upgrade() -> None:
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(SQL)
    else:
        # As it stands: neither ":name" nor "%" is a parameter in it.
        op.get_bind().exec_driver_sql(SQL, execution_options={{"no_parameters": True}})


def downgrade() -> None:
    """Nothing: it would take all runs with it."""
'''

_DJANGO = '''\
"""{title}: copied by pgflow-gen install; do not edit."""

from django.db import migrations

SQL = """\\
{sql}"""


class Migration(migrations.Migration):
    dependencies = [{dependency}]
    # Backwards it does nothing: it would take all runs with it.
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
'''


def module_text(style: Style, name: str, sql: str, after: str | None, app: str) -> str:
    """The module ``name``. ``after``: what it follows, as ``link`` says it; ``app``: Django's label."""
    values = {"title": name.removesuffix(".py"), "sql": _escaped(sql), "after": after}
    if style.name == "alembic":
        return _ALEMBIC.format(link=style.link(name), **values)
    dependency = "" if after is None else f"({app!r}, {after!r})"
    return _DJANGO.format(dependency=dependency, **values)


def chain_end(style: Style, texts: Mapping[str, str], app: str) -> str | None:
    """What the next module follows. Raises UsageError when the chain has several ends."""
    found = ends(node for name, text in texts.items() if (node := style.node(name, text, app)))
    if len(found) > 1:
        raise UsageError(
            f"the migrations end in several: {', '.join(sorted(node.link for node in found))}",
            help="merge them first (`alembic merge heads`, `makemigrations --merge`)",
        )
    return found[0].link if found else None


def _escaped(sql: str) -> str:
    return sql.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')

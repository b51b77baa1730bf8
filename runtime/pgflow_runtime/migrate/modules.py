"""SQL as a Python module for Alembic or Django, and its place in their chain of migrations.

Files of others are read, never executed.
"""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgflow_runtime.errors import UsageError

CHAINED: Final = ("alembic", "django")

_LABEL = re.compile(r"^\s+label\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)

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


def module_text(style: str, name: str, sql: str, after: str | None, app: str) -> str:
    """The module ``name``. ``after``: what it follows, as ``link`` says it; ``app``: Django's label."""
    values = {"title": name.removesuffix(".py"), "sql": _escaped(sql), "after": after}
    if style == "alembic":
        return _ALEMBIC.format(link=link(style, name), **values)
    dependency = "" if after is None else f"({app!r}, {after!r})"
    return _DJANGO.format(dependency=dependency, **values)


def link(style: str, name: str) -> str:
    """What a later module calls the module ``name``. Alembic has room for 32 characters."""
    if style == "django":
        return name.removesuffix(".py")
    return f"pgflow_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def app_label(folder: Path) -> str:
    """The label of the Django app whose migrations are in ``folder``."""
    parent = folder.resolve().parent
    apps = parent / "apps.py"
    told = _LABEL.search(apps.read_text(encoding="utf-8", errors="replace")) if apps.is_file() else None
    return told[1] if told else parent.name


def follows(style: str, name: str, text: str, app: str) -> tuple[str, frozenset[str]] | None:
    """(what others call a module, what it follows); None for a file that is no migration."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if style == "alembic":
        values = dict(_assignments(tree.body))
        revision, down = values.get("revision"), values.get("down_revision")
        after = (down,) if isinstance(down, str) else _items(down)
        return (revision, frozenset(map(str, after))) if isinstance(revision, str) else None
    for item in tree.body:
        if isinstance(item, ast.ClassDef) and item.name == "Migration":
            pairs = dict(_assignments(item.body)).get("dependencies")
            own = [pair for pair in _items(pairs) if isinstance(pair, tuple) and pair[:1] == (app,)]
            return name.removesuffix(".py"), frozenset(str(pair[1]) for pair in own)
    return None


def chain_end(style: str, texts: dict[str, str], app: str) -> str | None:
    """What the next module follows. Raises UsageError when the chain has several ends."""
    nodes = [node for name, text in texts.items() if (node := follows(style, name, text, app))]
    followed = {after for _, afters in nodes for after in afters}
    ends = sorted(link for link, _ in nodes if link not in followed)
    if len(ends) > 1:
        raise UsageError(
            f"the migrations end in several: {', '.join(ends)}",
            help="merge them first (`alembic merge heads`, `makemigrations --merge`)",
        )
    return ends[0] if ends else None


def _escaped(sql: str) -> str:
    return sql.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _items(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _assignments(body: list[ast.stmt]) -> Iterator[tuple[str, object]]:
    for item in body:
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, _value(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, _value(value)


def _value(node: ast.expr) -> object:
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None

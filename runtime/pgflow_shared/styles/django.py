"""Django's migrations: Python modules in the package ``migrations`` of an app."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pgflow_shared.styles.chain import Node, assignments, parse
from pgflow_shared.styles.style import Style

_LABEL = re.compile(r"^\s+label\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)


class Django(Style):
    name = "django"
    is_chained = True
    is_package = True

    def node(self, name: str, text: str, app: str) -> Node | None:
        module = parse(text)
        for statement in module.body if module is not None else ():
            if isinstance(statement, ast.ClassDef) and statement.name == "Migration":
                needs = dict(assignments(statement.body)).get("dependencies")
                pairs = needs if isinstance(needs, tuple) else ()
                after = {str(pair[1]) for pair in pairs if isinstance(pair, tuple) and pair[:1] == (app,)}
                return Node(name, self.link(name), frozenset(after))
        return None

    def app(self, folder: Path) -> str:
        """The app's label: what its apps.py says, else the name of the folder around ``migrations``."""
        parent = folder.parent
        apps = parent / "apps.py"
        text = apps.read_text(encoding="utf-8", errors="replace") if apps.is_file() else ""
        label = _LABEL.search(text)
        return label[1] if label else parent.name


STYLE = Django()

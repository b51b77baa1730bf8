"""mypy's configuration: our own, and of the user's only what changes how code is *read*.

``ignore_errors``, ``follow_imports = skip`` or ``disable_error_code`` of the user's would blind the judge.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgflow_gen.config import Config

STAGED_PACKAGE = "_pgflow_staged"
_OLDEST = (3, 11)


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's plugins (paths made absolute) and ``python_version``."""

    plugins: tuple[str, ...] = ()
    python_version: str | None = None

    @classmethod
    def of(cls, config: Config) -> Settings:
        section = _user_section(config.root)
        plugins = section.get("plugins", [])
        names = re.split(r"[,\s]+", plugins) if isinstance(plugins, str) else list(plugins)
        return cls(
            tuple(_plugin(str(name).strip(), config.root) for name in names if str(name).strip()),
            _python_version(str(section.get("python_version", ""))),
        )

    def ini(self, cache_dir: Path) -> str:
        """The text of ``mypy.ini``; import roots come by ``MYPYPATH``, which knows no quoting troubles."""
        parser = configparser.RawConfigParser()
        own = {
            "strict": "True",
            "explicit_package_bases": "True",
            "namespace_packages": "True",
            "cache_dir": str(cache_dir),
            "warn_unused_configs": "False",
            "warn_unused_ignores": "False",
        }
        if self.plugins:
            own["plugins"] = ", ".join(self.plugins)
        if self.python_version:
            own["python_version"] = self.python_version
        parser["mypy"] = own
        parser[f"mypy-{STAGED_PACKAGE}._typecheck"] = {"disallow_any_expr": "True"}
        lines: list[str] = []
        for name in parser.sections():
            lines += [f"[{name}]", *(f"{key} = {value}" for key, value in parser[name].items()), ""]
        return "\n".join(lines)


def _user_section(root: Path) -> Mapping[str, Any]:
    """The user's ``[mypy]``: of the first file that has one, in mypy's order; broken files have none."""
    for name in ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"):
        path = root / name
        try:
            if name.endswith(".toml"):
                section = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("mypy")
            else:
                parser = configparser.RawConfigParser()
                parser.read_string(path.read_text(encoding="utf-8"))
                section = dict(parser["mypy"]) if parser.has_section("mypy") else None
        except (OSError, ValueError, AttributeError, configparser.Error):
            continue
        if isinstance(section, dict):
            return section
    return {}


def _plugin(name: str, root: Path) -> str:
    """A plugin given as a file is relative to the user's configuration, ours lies elsewhere."""
    path, colon, entry = name.partition(":")
    if path.endswith(".py"):
        return f"{root / path}{colon}{entry}"
    return name


def _python_version(text: str) -> str | None:
    match = re.fullmatch(r"(\d+)\.(\d+)", text.strip())
    return match[0] if match and (int(match[1]), int(match[2])) >= _OLDEST else None

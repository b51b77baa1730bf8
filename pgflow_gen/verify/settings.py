"""mypy's configuration: our own, and of the user's only what changes how code is *read*.

``ignore_errors``, ``follow_imports = skip`` or ``disable_error_code`` of the user's would blind the judge.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from pgflow_gen.config import Config
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.target import mypy_file, stated_version

STAGED_PACKAGE = "_pgflow_staged"


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's plugins (paths made absolute), their own sections, and ``python_version``."""

    plugins: tuple[str, ...] = ()
    python_version: str | None = None
    plugin_sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config, *, with_plugins: bool = True) -> Settings:
        """``with_plugins``: plugins are programs of the project's, and run when mypy does."""
        file = mypy_file(config.root)
        version = stated_version(config.root)
        section = file.get("mypy", {})
        plugins = section.get("plugins", []) if with_plugins else []
        names = re.split(r"[,\s]+", plugins) if isinstance(plugins, str) else list(plugins)
        return cls(
            tuple(_plugin(str(name).strip(), config.root) for name in names if str(name).strip()),
            None if version is None else f"{version[0]}.{version[1]}",
            _plugin_sections(file) if plugins else {},
        )

    def ini(self, cache_dir: Path) -> str:
        """The text of ``mypy.ini``; import roots come by ``MYPYPATH``, which knows no quoting troubles."""
        parser = configparser.RawConfigParser()
        own = {
            "strict": "True",
            # A name that a module imports is there for others, through a star as well, as it is at run time.
            "implicit_reexport": "True",
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
        parser.read_dict(self.plugin_sections)
        lines: list[str] = []
        for name in parser.sections():
            lines += [f"[{name}]", *(f"{key} = {value}" for key, value in parser[name].items()), ""]
        return "\n".join(lines)


def _plugin_sections(file: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What plugins read of the file mypy was started with: ``[pydantic-mypy]``, ``[mypy.plugins.*]``."""
    found: dict[str, dict[str, str]] = {}
    for name, section in file.items():
        # In TOML django-stubs has a name of its own.
        target = "mypy.plugins.django-stubs" if name == "django-stubs" else name
        if target.startswith("mypy.plugins.") or target.endswith("-mypy"):
            scalars = {key: value for key, value in section.items() if not isinstance(value, dict | list)}
            found[target] = {key: str(value).replace("\n", "\n ") for key, value in scalars.items()}
    return found


def _plugin(name: str, root: Path) -> str:
    """A plugin given as a file is relative to the user's configuration, ours lies elsewhere."""
    path, colon, entry = name.partition(":")
    if path.endswith(".py"):
        return f"{root / path}{colon}{entry}"
    return name

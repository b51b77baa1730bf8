"""mypy judges the same whatever the user told it: sound flows stay clean, a wrong decorator is found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.pipeline import check
from pgflow_gen.verify import VerifyError
from tests.support.analysis import seed_cache, write_project
from tests.support.warm_mypy import left_by_a_build

GOOD = """\
from pgflow_runtime import Flow

good = Flow[str]("good")


@good.step
def urls(flow_input: str) -> list[str]:
    return [flow_input]


@good.step
def report(urls: list[str]) -> int:
    return len(urls)
"""
BAD = """\
from collections.abc import Callable

from pgflow_runtime import Flow

bad = Flow[str]("bad")


def measured(handler: Callable[[str], list[str]]) -> Callable[[str], list[int]]:
    raise NotImplementedError


@bad.step
@measured
def urls(flow_input: str) -> list[str]:
    return [flow_input]


@bad.step
def report(urls: list[str]) -> int:
    return len(urls)
"""
WITH_PYDANTIC = """\
from typing import TypedDict

from pydantic import BaseModel, Field

from pgflow_runtime import Flow


class Row(TypedDict):
    name: str
    size: int


class Model(BaseModel):
    name: str
    size: int = Field(alias="bytes")

    def row(self) -> Row:
        return {"name": self.name, "size": self.size}


modelled = Flow[str]("modelled")


@modelled.step
def rows(flow_input: str) -> list[Row]:
    return [Model.model_validate_json(flow_input).row()]


@modelled.step
def total(rows: list[Row]) -> int:
    return sum(row["size"] for row in rows)
"""
BLINDING = "ignore_errors = True\nfollow_imports = skip\ndisable_error_code = arg-type, misc, no-any-return\n"
CONFIGURATIONS: dict[str, dict[str, str]] = {
    "mypy.ini": {"mypy.ini": f"[mypy]\n{BLINDING}[mypy-flows.*]\nignore_errors = True\n"},
    "hidden": {".mypy.ini": f"[mypy]\n{BLINDING}exclude = .*\nno_site_packages = True\n"},
    "setup.cfg": {"setup.cfg": f"[metadata]\nname = x\n[mypy]\n{BLINDING}python_version = 3.8\n"},
    "pyproject": {
        "pyproject.toml": '[tool.mypy]\nignore_errors = true\nfollow_imports = "skip"\n'
        'python_version = "3.12"\nexclude = ["flows"]\n'
        '[[tool.mypy.overrides]]\nmodule = "*"\nignore_errors = true\n'
    },
    "broken": {"mypy.ini": "this is no ini file\n", "pyproject.toml": "[tool.mypy\n"},
}


@pytest.fixture(scope="module")
def standard_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("warm").resolve()
    seed_cache(root, left_by_a_build())
    write_project(root, {"flows/good.py": GOOD})
    assert check(Config(root)).diagnostics == ()
    return root / ".pgflow/cache/mypy"


def judged(root: Path, cache: Path, files: Mapping[str, str]) -> list[Diagnostic]:
    seed_cache(root, cache)
    write_project(root, files)
    return list(check(Config(root.resolve())).diagnostics)


@pytest.mark.parametrize("files", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_no_configuration_blinds_the_judge(
    tmp_path: Path, standard_library: Path, files: dict[str, str]
) -> None:
    found = judged(tmp_path, standard_library, {"flows/good.py": GOOD, "flows/bad.py": BAD, **files})
    assert {(item.code, item.span.path) for item in found} == {("PGF501", "flows/bad.py")}
    asked = BAD.splitlines().index("def report(urls: list[str]) -> int:") + 1
    assert asked in {item.span.line for item in found}


def test_handlers_with_pydantic_inside_and_its_plugin(tmp_path: Path, standard_library: Path) -> None:
    plugin = '[tool.mypy]\nplugins = ["pydantic.mypy"]\n[tool.pydantic-mypy]\ninit_typed = true\n'
    files = {"flows/modelled.py": WITH_PYDANTIC, "flows/bad.py": BAD, "pyproject.toml": plugin}
    found = judged(tmp_path, standard_library, files)
    assert {(item.code, item.span.path) for item in found} == {("PGF501", "flows/bad.py")}


SEES_ITS_SECTION = """\
from mypy.plugin import Plugin


class Strict(Plugin):
    def __init__(self, options):
        super().__init__(options)
        if "wanted = 7" not in open(options.config_file).read():
            raise ValueError("the section of the plugin is missing")


def plugin(version):
    return Strict
"""
SECTIONS: dict[str, dict[str, str]] = {
    "ini": {"mypy.ini": "[mypy]\nplugins = strict.py\n[mypy.plugins.strict]\nwanted = 7\n"},
    "setup.cfg": {
        "setup.cfg": "[mypy]\nplugins = strict.py\n[strict-mypy]\nwanted = 7\n[metadata]\nname = x\n"
    },
    "pyproject": {"pyproject.toml": '[tool.mypy]\nplugins = ["strict.py"]\n[tool.strict-mypy]\nwanted = 7\n'},
}


@pytest.mark.parametrize("files", SECTIONS.values(), ids=SECTIONS.keys())
def test_a_plugin_finds_its_own_section(
    tmp_path: Path, standard_library: Path, files: dict[str, str]
) -> None:
    files = {"flows/good.py": GOOD, "strict.py": SEES_ITS_SECTION, **files}
    assert judged(tmp_path, standard_library, files) == []


LEAVES_A_TRACE = "from pathlib import Path\nPath('trace').touch()\n" + SEES_ITS_SECTION.replace(
    "wanted = 7", ""
)


def test_plugins_run_unless_told_not_to(tmp_path: Path, standard_library: Path) -> None:
    seed_cache(tmp_path, standard_library)
    ini = "[mypy]\nplugins = strict.py\n"
    write_project(tmp_path, {"flows/good.py": GOOD, "strict.py": LEAVES_A_TRACE, "mypy.ini": ini})
    assert check(Config(tmp_path.resolve()), plugins=False).diagnostics == ()
    assert not (tmp_path / "trace").exists()
    assert check(Config(tmp_path.resolve())).diagnostics == ()
    assert (tmp_path / "trace").exists()


def test_a_plugin_that_cannot_be_imported_is_named(tmp_path: Path, standard_library: Path) -> None:
    files = {"flows/good.py": GOOD, "pyproject.toml": '[tool.mypy]\nplugins = ["nowhere.mypy"]\n'}
    with pytest.raises(VerifyError, match=r"nowhere\.mypy") as error:
        judged(tmp_path, standard_library, files)
    assert error.value.help is not None
    assert "--no-verify" in error.value.help

"""Imports render themselves, sorted, under names that are free."""

from __future__ import annotations

from pgflow_gen.render.python.imports import Imports


def test_imports_are_grouped_and_sorted() -> None:
    imports = Imports()
    for module, name in [
        (".crawl", "CrawlRun"),
        ("typing", "overload"),
        ("typing", "Any"),
        ("pgflow_runtime", "JsonValue"),
        ("collections.abc", "Sequence"),
        (".crawl", "CrawlInput"),
        ("typing", "TYPE_CHECKING"),
    ]:
        assert imports.use(module, name) == name
    assert imports.lines() == [
        "from collections.abc import Sequence",
        "from typing import TYPE_CHECKING, Any, overload",
        "",
        "from pgflow_runtime import JsonValue",
        "",
        "from .crawl import CrawlInput, CrawlRun",
    ]


def test_a_name_the_module_defines_itself_is_imported_under_another() -> None:
    imports = Imports({"Run", "_Run"})
    assert imports.use("pgflow_runtime.client", "Run") == "__Run"
    assert imports.use("pgflow_runtime.client", "Run") == "__Run"
    assert imports.lines() == ["from pgflow_runtime.client import Run as __Run"]


def test_a_name_only_checkers_know_is_imported_for_them_only() -> None:
    imports = Imports()
    imports.use("typing_extensions", "ReadOnly")
    assert imports.lines() == [
        "from typing import TYPE_CHECKING",
        "",
        "if TYPE_CHECKING:",
        "    from typing_extensions import ReadOnly",
    ]


def test_long_imports_stand_one_name_a_line() -> None:
    imports = Imports()
    for number in range(12):
        imports.use(".crawl", f"RatherLongName{number:02}")
    text = "\n".join(imports.lines())
    assert text.startswith("from .crawl import (\n    RatherLongName00,\n")
    assert text.endswith("    RatherLongName11,\n)")

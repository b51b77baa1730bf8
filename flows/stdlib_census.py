"""Count what a tree of Python files is made of: files, lines, functions, classes and imports.

The files are parsed in a map, one task each. A file that does not parse is counted, never fatal.
"""

import ast
import json
import os
from collections import Counter
from pathlib import Path
from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow, NonRetryable


class CensusInput(TypedDict):
    """``directory`` is searched recursively, but for folders named in ``skip``.

    The report is also written to ``report_path`` when that is given.
    """

    directory: str
    skip: NotRequired[list[str]]
    report_path: NotRequired[str]


class ModuleFacts(TypedDict):
    """What one file holds. ``error`` is the parser's word when the file is not valid Python."""

    path: str
    lines: int
    functions: int
    classes: int
    imports: list[str]
    error: str | None


class ModuleSize(TypedDict):
    path: str
    lines: int


class ImportCount(TypedDict):
    name: str
    modules: int


class Totals(TypedDict):
    files: int
    unparsable: int
    lines: int
    functions: int
    classes: int


class Report(TypedDict):
    directory: str
    totals: Totals
    largest: list[ModuleSize]
    most_imported: list[ImportCount]
    report_path: str | None


stdlib_census = Flow[CensusInput]("stdlib_census", max_attempts=3, base_delay=1, timeout=60)


@stdlib_census.array
def files(flow_input: CensusInput) -> list[str]:
    """Find the Python files, sorted so that two runs see the same list."""
    directory = flow_input["directory"]
    if not Path(directory).is_dir():
        raise NonRetryable(f"{directory} is not a directory")
    skipped = set(flow_input.get("skip", []))
    found: list[str] = []
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = [name for name in subfolders if name not in skipped]
        found.extend(os.path.join(folder, name) for name in names if name.endswith(".py"))
    return sorted(path for path in found if os.path.isfile(path))


@stdlib_census.map(array=files)
def parse(path: str) -> ModuleFacts:
    """Parse one file and count what it defines."""
    source = Path(path).read_bytes()
    facts: ModuleFacts = {
        "path": path,
        "lines": len(source.splitlines()),
        "functions": 0,
        "classes": 0,
        "imports": [],
        "error": None,
    }
    try:
        tree = ast.parse(source, filename=path)
    except (SyntaxError, ValueError, RecursionError) as error:
        facts["error"] = type(error).__name__
        return facts
    imported: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                facts["functions"] += 1
            case ast.ClassDef():
                facts["classes"] += 1
            case ast.Import(names=names):
                imported.update(alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                imported.add(module.partition(".")[0])
            case _:
                pass
    facts["imports"] = sorted(imported)
    return facts


@stdlib_census.step
def totals(parse: list[ModuleFacts]) -> Totals:
    """Add up all files."""
    return {
        "files": len(parse),
        "unparsable": sum(facts["error"] is not None for facts in parse),
        "lines": sum(facts["lines"] for facts in parse),
        "functions": sum(facts["functions"] for facts in parse),
        "classes": sum(facts["classes"] for facts in parse),
    }


@stdlib_census.step
def largest(parse: list[ModuleFacts]) -> list[ModuleSize]:
    """The ten modules with most lines."""
    ranked = sorted(parse, key=lambda facts: (-facts["lines"], facts["path"]))
    return [{"path": facts["path"], "lines": facts["lines"]} for facts in ranked[:10]]


@stdlib_census.step
def most_imported(parse: list[ModuleFacts]) -> list[ImportCount]:
    """The ten names that most modules import."""
    counts = Counter(name for facts in parse for name in facts["imports"])
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "modules": count} for name, count in ranked[:10]]


@stdlib_census.step
def report(
    flow_input: CensusInput,
    totals: Totals,
    largest: list[ModuleSize],
    most_imported: list[ImportCount],
    ctx: Context,
) -> Report:
    """Put the parts together, and write them as JSON where the caller asked for a file."""
    result: Report = {
        "directory": flow_input["directory"],
        "totals": totals,
        "largest": largest,
        "most_imported": most_imported,
        "report_path": flow_input.get("report_path"),
    }
    if result["report_path"] is not None:
        Path(result["report_path"]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        ctx.log.info("report written to %s", result["report_path"])
    return result

"""Flows and steps are found where they may stand, and reported where they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_flow, read_project

STEP = "def one(flow_input: str) -> str: ...\n"

MADE = [
    ("from pgflow_runtime import Flow\nflow = Flow[str]('f')", "flow"),
    ("from pgflow_runtime import Flow as F\nflow = F[str]('f')", "flow"),
    ("import pgflow_runtime\nflow = pgflow_runtime.Flow[str]('f')", "flow"),
    ("import pgflow_runtime as p\nflow = p.Flow[str]('f')", "flow"),
    ("from pgflow_runtime.dsl import Flow\nflow = Flow[str]('f')", "flow"),
    ("from pgflow_runtime import *\nflow = Flow[str]('f')", "flow"),
    ("from pgflow_runtime import Flow\nflow: Flow[str] = Flow('f')", "flow"),
    ("from pgflow_runtime import Flow\nfrom typing import Final\nflow: Final = Flow[str]('f')", "flow"),
    ("from pgflow_runtime import Flow\nflow: 'Flow[str]' = Flow('f')", "flow"),
    ("from pgflow_runtime import Flow\nTextFlow = Flow[str]\nflow = TextFlow('f')", "flow"),
    ("from pgflow_runtime import Flow\nflow = Flow['str'](slug='f')", "flow"),
    ("from pgflow_runtime import Flow\nflow = (Flow[str])('f')", "flow"),
]


@pytest.mark.parametrize(("code", "name"), MADE)
def test_flow_spelling(tmp_path: Path, code: str, name: str) -> None:
    read = read_flow(tmp_path, f"{code}\n\n@flow.step\n{STEP}").clean()
    assert (read.flow.slug, read.flow.key.name, read.flow.key.module) == ("f", name, "flows.crawl")
    assert str(read.flow.input) == "str"
    assert [step.slug for step in read.flow.steps] == ["one"]


DECORATORS = [
    "@flow.step",
    "@flow.step()",
    "@flow.step(timeout=3)",
    "@ flow . step",
    "@(flow.step)",
    "@again.step",
]


@pytest.mark.parametrize("decorator", DECORATORS)
def test_decorator_spelling(tmp_path: Path, decorator: str) -> None:
    code = f"from pgflow_runtime import Flow\nflow = Flow[str]('f')\nagain = flow\n{decorator}\n{STEP}"
    assert read_flow(tmp_path, code).clean().step("one").kind == "step"


def test_inner_decorators_are_kept(tmp_path: Path) -> None:
    head = "from lib import traced\nfrom pgflow_runtime import Flow\n"
    code = head + "flow = Flow[str]('f')\n@flow.step\n@traced('x')\n"
    assert read_flow(tmp_path, code + STEP).clean().step("one")


def test_options_and_version(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        "from pgflow_runtime import Flow\nflow = Flow[None]('f', version=2, max_attempts=3)\n",
    ).clean()
    assert (read.flow.db_slug, read.flow.version) == ("f_v2", 2)
    assert [(item.name, item.value) for item in read.flow.options] == [("max_attempts", 3)]
    assert str(read.flow.input) == "None"
    assert read.text(read.flow.version_span) == "version=2"
    assert read.text(read.flow.slug_span) == "'f'"
    assert read.text(read.flow.input_span) == "None"
    assert read.text(read.flow.span) == "flow"


MODULES = {
    "flows/a_extra.py": "from flows.crawl import flow\n\n@flow.step\ndef extra(one: str) -> str: ...\n",
    "flows/crawl.py": "'''About the flow.'''\nfrom pgflow_runtime import Flow\nflow = Flow[str]('f')\n\n"
    "@flow.step\ndef two(one: str) -> str: ...\n\n@flow.step\n" + STEP,
    "flows/z_more.py": "from . import crawl as c\n\n@c.flow.step\ndef more(one: str) -> str: ...\n",
    "flows/sub/deep.py": "import flows.crawl\n\n@flows.crawl.flow.step\ndef deep(one: str) -> str: ...\n",
}


def test_definition_order_over_several_modules(tmp_path: Path) -> None:
    read = read_project(tmp_path, MODULES).clean()
    assert [step.slug for step in read.flow.steps] == ["two", "one", "extra", "deep", "more"]
    assert read.flow.modules == ("flows.crawl", "flows.a_extra", "flows.sub.deep", "flows.z_more")
    assert read.flow.doc == "About the flow."


def test_a_flow_defined_outside_the_flow_folders(tmp_path: Path) -> None:
    read = read_project(
        tmp_path,
        {
            "shared/base.py": MODULES["flows/crawl.py"],
            "flows/more.py": "from shared.base import flow\n\n@flow.step\ndef more(one: str) -> str: ...\n",
        },
    ).clean()
    assert [step.slug for step in read.flow.steps] == ["two", "one", "more"]


def test_a_named_step_brings_its_module_along(tmp_path: Path) -> None:
    read = read_project(
        tmp_path,
        {
            "lib/steps.py": "from lib.base import flow\n\n@flow.step\n" + STEP,
            "lib/base.py": "from pgflow_runtime import Flow\nflow = Flow[str]('f')\n",
            "flows/crawl.py": "from lib.base import flow\nfrom lib.steps import one\n\n"
            "@flow.step(depends_on=[one])\ndef last() -> None: ...\n",
        },
    ).clean()
    assert [(step.module, step.slug) for step in read.flow.steps] == [
        ("flows.crawl", "last"),
        ("lib.steps", "one"),
    ]


def test_flows_by_path_then_line(tmp_path: Path) -> None:
    head = "from pgflow_runtime import Flow\n"
    read = read_project(
        tmp_path,
        {
            "flows/b.py": f"{head}two = Flow[None]('two')\n'About two.'\none = Flow[None]('one')\n",
            "flows/a.py": f"'''Docs.'''\n{head}three = Flow[None]('three')\n",
            "flows/c/d.py": f"{head}four = Flow[None]('four')\n",
        },
    ).clean()
    assert [flow.slug for flow in read.flows] == ["three", "two", "one", "four"]
    assert [flow.doc for flow in read.flows] == ["Docs.", "About two.", None, None]


MISPLACED = [
    ("if True:\n    flow = Flow[str]('f')\n", (3, "flow"), "in an 'if' block"),
    ("def make():\n    flow = Flow[str]('f')\n", (3, "flow"), "in function 'make'"),
    ("def make():\n    return Flow[str]('f')\n", (3, "Flow[str]('f')"), "in function 'make'"),
    ("class A:\n    flow = Flow[str]('f')\n", (3, "flow"), "in class 'A'"),
    ("try:\n    pass\nexcept OSError:\n    flow = Flow[str]('f')\n", (5, "flow"), "in a 'try' block"),
    ("a = b = Flow[str]('f')\n", (2, "Flow[str]('f')"), "without a name of its own"),
    ("a, b = Flow[str]('f'), 3\n", (2, "Flow[str]('f')"), "without a name of its own"),
    ("flows = {'f': Flow[str]('f')}\n", (2, "Flow[str]('f')"), "without a name of its own"),
    ("Flow[str]('f')\n", (2, "Flow[str]('f')"), "without a name of its own"),
    ("flow = Flow[str]('f') if x else None\n", (2, "Flow[str]('f')"), "in an 'if' expression"),
    ("flows = [Flow[str](x) for x in y]\n", (2, "Flow[str](x)"), "in a comprehension"),
]


@pytest.mark.parametrize(("code", "place", "where"), MISPLACED)
def test_flow_that_is_not_at_module_level(
    tmp_path: Path, code: str, place: tuple[int, str], where: str
) -> None:
    read = read_flow(tmp_path, f"from pgflow_runtime import Flow\n{code}")
    fault = read.one("PGF211")
    assert read.at(fault) == place
    assert where in fault.message


@pytest.mark.parametrize(
    ("code", "line", "where"),
    [
        ("if x:\n    @flow.step\n    def two() -> None: ...\n", 5, "in an 'if' block"),
        ("if x: ...\nelif y:\n    @flow.step\n    def two() -> None: ...\n", 6, "in an 'if' block"),
        ("else_ = 1\nfor x in y:\n    @flow.step\n    def two() -> None: ...\n", 6, "in a 'for' block"),
        ("with x:\n    @flow.step\n    def two() -> None: ...\n", 5, "in a 'with' block"),
        (
            "match x:\n    case 1:\n        @flow.step\n        def two() -> None: ...\n",
            6,
            "in a 'match' block",
        ),
        ("class A:\n    @flow.step\n    def two() -> None: ...\n", 5, "in class 'A'"),
        (
            "def make():\n    if x:\n        @flow.step\n        def two() -> None: ...\n",
            6,
            "in function 'make'",
        ),
    ],
)
def test_step_that_is_not_at_module_level(tmp_path: Path, code: str, line: int, where: str) -> None:
    read = read_flow(tmp_path, f"from pgflow_runtime import Flow\nflow = Flow[str]('f')\n{code}")
    fault = read.one("PGF211")
    assert read.at(fault) == (line, "two")
    assert where in fault.message


USES = [
    ("@other\n@flow.step\ndef one() -> None: ...", [(3, "other")]),
    ("@other(1)\n@more\n@flow.step()\ndef one() -> None: ...", [(3, "other(1)"), (4, "more")]),
    ("def fn() -> None: ...\nflow.step(fn)", [(4, "flow.step(fn)")]),
    ("def fn() -> None: ...\none = flow.step(timeout=3)(fn)", [(4, "flow.step(timeout=3)(fn)")]),
    ("step = flow.step\n@step\ndef one() -> None: ...", [(3, "flow.step")]),
    ("fast = flow.step(timeout=3)", [(3, "flow.step(timeout=3)")]),
    ("@flow.step\n@second.step\ndef one() -> None: ...", [(4, "second.step")]),
    ("@flow.stp\ndef one() -> None: ...", [(3, "flow.stp")]),
    ("@flow\ndef one() -> None: ...", [(3, "flow")]),
    ("@flow.step\ndef one() -> None: ...\none = 3", [(5, "one")]),
    ("@flow.step\ndef one() -> None: ...\n@second.step\ndef one() -> None: ...", [(6, "one")]),
    ("flow = 3", [(3, "flow")]),
    ("@flow.step\nclass A: ...", [(3, "flow.step")]),
    ("@flow.step(timeout=3)()\ndef one() -> None: ...", [(3, "flow.step(timeout=3)()")]),
    ("fast = partial(flow.step, timeout=3)", [(3, "flow.step")]),
    ("made = [flow.step(slug=x)(fn) for x in y]", [(3, "flow.step(slug=x)(fn)")]),
    ("from functools import lru_cache\n@flow.step\n@lru_cache\ndef one() -> None: ...", [(5, "lru_cache")]),
    ("import contextlib as c\n@flow.step\n@c.contextmanager\ndef one() -> None: ...",
     [(5, "c.contextmanager")]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "places"), USES)
def test_decorator_misuse(tmp_path: Path, code: str, places: list[tuple[int, str]]) -> None:
    read = read_flow(
        tmp_path,
        f"from pgflow_runtime import Flow\nflow = Flow[None]('f'); second = Flow[None]('g')\n{code}\n",
    )
    assert read.codes == ["PGF214"] * len(places), read.report()
    assert [read.at(item) for item in read.findings] == places


def test_a_misspelt_flow_in_a_decorator(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        "from pgflow_runtime import Flow\nflow = Flow[None]('f')\n@flwo.step\ndef one() -> None: ...\n",
    )
    fault = read.one("PGF103")
    assert read.at(fault) == (3, "flwo")
    assert fault.help == "did you mean 'flow'?"


def test_other_libraries_decorators_are_left_alone(tmp_path: Path) -> None:
    code = "from prefect import app\n@app.step\ndef one(): ...\nclass A:\n    @some\n    def map(self): ...\n"
    read = read_flow(tmp_path, code).clean()
    assert read.flows == ()


CLASSES = [
    ("class Bot:\n    def step(self, fn): ...\nbot = Bot()\n", []),
    ("class Bot(Flow[str]): ...\nclass Better(Bot): ...\nbot = Better('b')\n", ["PGF211"]),
]


@pytest.mark.parametrize(("code", "codes"), CLASSES)
def test_an_object_of_the_projects_own_class(tmp_path: Path, code: str, codes: list[str]) -> None:
    read = read_flow(tmp_path, f"from pgflow_runtime import Flow\n{code}@bot.step\ndef one(): ...\n")
    assert read.codes == codes, read.report()


@pytest.mark.parametrize("name", ["my-flow", "class", "2nd"])
def test_a_file_that_no_import_can_name(tmp_path: Path, name: str) -> None:
    code = "from pgflow_runtime import Flow\nflow = Flow[None]('f')\n"
    read = read_project(tmp_path, {f"flows/{name}.py": code})
    assert repr(name) in read.one("PGF102").message


def test_a_flow_below_no_source_root(tmp_path: Path) -> None:
    code = "from pgflow_runtime import Flow\nflow = Flow[None]('f')\n"
    read = read_project(tmp_path, {"flows/crawl.py": code, "lib/x.py": ""}, src=("lib",))
    assert "below none of the source roots" in read.one("PGF102").message


def test_two_files_of_one_module_name(tmp_path: Path) -> None:
    code = "from pgflow_runtime import Flow\n{0} = Flow[None]('{0}')\n"
    files = {"flows/a/x.py": code.format("one"), "flows/b/x.py": code.format("two")}
    read = read_project(tmp_path, files, src=("flows/a", "flows/b"))
    assert [flow.slug for flow in read.flows] == ["one"]
    fault = read.one("PGF102")
    assert (fault.span.path, fault.message) == (
        "flows/b/x.py",
        "cannot import the file: module 'x' is flows/a/x.py",
    )


def test_a_flow_made_by_a_function(tmp_path: Path) -> None:
    read = read_project(
        tmp_path,
        {
            "lib/make.py": "from pgflow_runtime import Flow\ndef make(slug): return Flow(slug)\n",
            "flows/crawl.py": "from lib.make import make\nflow = make('f')\n"
            "@flow.step\ndef f() -> None: ...\n",
        },
    )
    assert read.at(read.one("PGF211")) == (3, "flow")


def only(read: Read) -> list[tuple[str, str]]:
    return [(item.span.path, item.code) for item in read.findings]


def test_only_one_file(tmp_path: Path) -> None:
    files = {
        **MODULES,
        "flows/other.py": "from pgflow_runtime import Flow\nother = Flow('bad slug')\n",
        "flows/broken.py": "from pgflow_runtime import (\n",
    }
    read = read_project(tmp_path, files, only="flows/crawl.py").clean()
    assert [flow.slug for flow in read.flows] == ["f"]
    assert len(read.flow.steps) == 5
    assert only(read_project(tmp_path, {}, only="flows/broken.py")) == [("flows/broken.py", "PGF101")]
    assert only(read_project(tmp_path, {}, only="flows/gone.py")) == [("flows/gone.py", "PGF102")]


def test_only_one_file_with_what_it_imports(tmp_path: Path) -> None:
    files = {
        "flows/crawl.py": "from pgflow_runtime import Flow\nfrom lib.types import X\nflow = Flow[X]('f')\n",
        "lib/types.py": "class X(\n",
    }
    read = read_project(tmp_path, files, only="flows/crawl.py")
    assert only(read) == [("flows/crawl.py", "PGF103"), ("lib/types.py", "PGF101")]


def test_the_same_analysis_whatever_the_hash_seed_or_folder(tmp_path: Path) -> None:
    first = read_project(tmp_path / "a", MODULES)
    second = read_project(tmp_path / "b", MODULES)
    assert first.analyzed.analysis == second.analyzed.analysis
    assert first.analyzed.digests == second.analyzed.digests

"""What only mypy can know comes back at the handler's own parameter, in our words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic, Findings, Span
from pgflow_gen.ir.flow import Analysis, FlowKey, FlowSpec, Parameter, Receives, StepName, StepSpec
from pgflow_gen.ir.types import INT, STR, Field, ListType, Record, RecordRef, TypeExpr, TypeKey, TypeTable
from pgflow_gen.render import render
from pgflow_gen.verify import VerifyError, verify
from pgflow_gen.verify.mypy_run import Reported, run_mypy
from pgflow_gen.verify.staging import Staging
from pgflow_shared.kinds import StepKind
from tests.support.analysis import seed_cache
from tests.support.warm_mypy import left_by_a_build

HEAD = """\
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from pgflow_runtime import Flow


class Page(TypedDict):
    url: str


crawl = Flow[str]("crawl")


def measured(handler: Callable[[str], list[str]]) -> Callable[[str], list[int]]:
    raise NotImplementedError


def renamed(handler: Callable[..., Any]) -> Callable[[str], list[str]]:
    raise NotImplementedError


def untyped(handler):
    return handler
"""
PAGE = RecordRef(TypeKey("flows.crawl", "Page"))


class Source:
    """A flow module as text; steps are read off it the way the front would."""

    def __init__(self) -> None:
        self.lines = HEAD.splitlines()
        self.steps: list[StepSpec] = []

    def step(
        self,
        slug: str,
        params: dict[str, TypeExpr],
        returns: TypeExpr,
        *,
        above: str = "",
        kind: StepKind = "step",
        array: str | None = None,
        default: str = "",
    ) -> None:
        """Append a step; ``above`` is a decorator between the flow's and the handler."""
        option = f"(array={array})" if array else ""
        self.lines += ["", "", f"@crawl.{kind}{option}", *([f"@{above}"] if above else [])]
        decorator = len(self.lines) - bool(above)
        self.lines.append(f"def {slug}(")
        name = self._span(f"def {slug}", slug)
        made = []
        for param, type_ in params.items():
            self.lines.append(f"    {param}: {type_}{default if param == 'late' else ''},")
            receives = Receives.FLOW_INPUT if param == "flow_input" else Receives.DEPENDENCY
            if kind == "map":
                receives = Receives.ELEMENT
            spans = self._span(f"    {param}", param), self._span(f"    {param}: {type_}", str(type_))
            made.append(Parameter(param, receives, type_, *spans))
        self.lines += [f") -> {returns}:", "    raise NotImplementedError"]
        self.steps.append(
            StepSpec(
                slug,
                kind,
                "flows.crawl",
                slug,
                False,
                tuple(made),
                returns,
                array=StepName(array, name) if array else None,
                span=name,
                returns_span=Span("flows/crawl.py", len(self.lines) - 1, 6, len(self.lines) - 1, 10),
                decorator_span=Span("flows/crawl.py", decorator, 1, decorator, 5),
            )
        )

    def _span(self, upto: str, word: str) -> Span:
        end = len(upto) + 1
        return Span("flows/crawl.py", len(self.lines), end - len(word), len(self.lines), end)

    @property
    def flow(self) -> FlowSpec:
        place = Span("flows/crawl.py", 13, 1, 13, 6)
        key = FlowKey("flows.crawl", "crawl")
        return FlowSpec("crawl", 1, key, STR, tuple(self.steps), span=place, slug_span=place)


TYPES = TypeTable({PAGE.key: Record(PAGE.key, (Field("url", STR),))})


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., list[Diagnostic]]:
    seed_cache(tmp_path, left_by_a_build())

    def judged(source: Source, types: TypeTable = TYPES) -> list[Diagnostic]:
        place = tmp_path / "flows/crawl.py"
        place.parent.mkdir(exist_ok=True)
        text = "\n".join(source.lines) + "\n"
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
        config, analysis, findings = Config(tmp_path), Analysis((source.flow,), types), Findings()
        verify(analysis, render(analysis, config), config, findings)
        return list(findings)

    return judged


Judge = Callable[..., list[Diagnostic]]


def good() -> Source:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), kind="array")
    source.step("fetch", {"url": STR}, PAGE, kind="map", array="urls")
    source.step("report", {"fetch": ListType(PAGE), "urls": ListType(STR)}, INT)
    return source


def test_a_sound_flow_has_no_findings(judge: Judge) -> None:
    assert judge(good()) == []


def test_a_decorator_that_changes_the_result_is_told_at_the_parameter_that_receives_it(judge: Judge) -> None:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), above="measured")
    source.step("report", {"urls": ListType(STR)}, INT)
    [told] = [item for item in judge(source) if item.span.line > source.steps[1].span.line]
    assert told.code == "PGF501"
    assert told.message == "step 'report' asks for urls: list[str], but to mypy step 'urls' returns list[int]"
    param = source.steps[1].params[0]
    assert (told.span.line, told.span.column) == (param.span.line, param.span.column)
    assert param.type_span is not None
    assert told.span.end_column == param.type_span.end_column
    assert told.notes[0] == f"step 'urls' is defined at flows/crawl.py:{source.steps[0].span.line}"
    assert 'expected "list[str]"' in told.notes[1]


def test_a_decorator_that_renames_parameters_is_told_at_the_parameter(judge: Judge) -> None:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), above="renamed")
    [told] = judge(source)
    assert (
        told.message
        == "step 'urls' asks for flow_input, but to mypy what its decorators made takes no flow_input"
    )
    assert told.span.line == source.steps[0].params[0].span.line
    assert told.help == "a decorator between the flow's and the handler must keep the handler's signature"


def test_a_type_mypy_cannot_see_is_told_at_the_annotation(judge: Judge) -> None:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), above="untyped")
    source.step("report", {"urls": ListType(INT)}, INT)
    told = judge(source)
    assert "mypy cannot see this type: step 'urls' returns list[str], but to mypy it is Any" in {
        item.message for item in told
    }
    [unseen] = [item for item in told if "cannot see" in item.message]
    assert unseen.span == source.steps[0].returns_span


def test_a_wrong_element_is_told_at_the_decorator(judge: Judge) -> None:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), above="measured")
    source.step("fetch", {"url": STR}, PAGE, kind="map", array="urls")
    messages = {item.span.line: item.message for item in judge(source)}
    assert (
        messages[source.steps[1].decorator_span.line] == "mypy does not accept the decorators of step 'fetch'"
    )


def test_a_flow_below_its_step_is_told_once(judge: Judge) -> None:
    source = Source()
    source.lines.remove('crawl = Flow[str]("crawl")')
    source.step("urls", {"flow_input": STR}, ListType(STR))
    source.lines.append('crawl = Flow[str]("crawl")')
    [told] = judge(source)
    assert "uses a name above its definition" in told.message
    assert told.span.line == source.steps[0].decorator_span.line


def test_a_handler_that_yields_is_told_what_to_do(judge: Judge) -> None:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR))
    source.lines.append("    yield 'x'")
    [told] = judge(source)
    assert told.message == "step 'urls' yields, so that a call of its handler gives no result"
    assert told.help == "collect the values in a list and return it"


def test_an_option_that_mypy_refuses_is_named(judge: Judge) -> None:
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR))
    source.lines.append("BEFORE = [urls, 'urls']")
    source.step("report", {"urls": ListType(STR)}, INT)
    at = source.steps[1].decorator_span.line - 1
    source.lines[at] = "@crawl.step(depends_on=BEFORE)"
    [told] = judge(source)
    assert told.message == "mypy does not accept depends_on of step 'report'"


def test_a_module_that_mypy_refuses_is_named(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "types.py").write_text("x = 1\n")
    with pytest.raises(VerifyError, match=r"types\.py: error: This file shadows library module"):
        judge(good())


def test_a_record_that_mypy_reads_otherwise_is_told(judge: Judge) -> None:
    other = TypeTable({PAGE.key: Record(PAGE.key, (Field("url", INT),))})
    [told] = judge(good(), other)
    assert told.message == "mypy reads the type Page in another way than pgflow-gen"


def test_nothing_of_mypys_text_of_a_typed_dict_is_repeated(judge: Judge) -> None:
    source = Source()
    source.step("page", {"flow_input": STR}, PAGE)
    source.step("report", {"page": INT}, INT)
    told = judge(source)
    assert told
    assert "TypedDict(" not in str(told)


def test_a_module_that_does_not_parse_is_told_once_where_it_is(judge: Judge, tmp_path: Path) -> None:
    source = good()
    source.lines.insert(1, "import flows.broken")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/broken.py").write_text("x = 1\ndef (:\n")
    [told] = judge(source)
    assert (told.code, told.span.path, told.span.line) == ("PGF501", "flows/broken.py", 2)


def test_the_users_configuration_cannot_blind_the_judge(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nignore_errors = True\nfollow_imports = skip\ndisable_error_code = arg-type\n"
    )
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), above="measured")
    source.step("report", {"urls": ListType(STR)}, INT)
    assert judge(source)


def test_the_users_plugins_are_loaded(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    plugin = tmp_path / "tools/plugin.py"
    plugin.write_text(
        "from pathlib import Path\nfrom mypy.plugin import Plugin\n"
        f"Path({str(tmp_path / 'loaded')!r}).write_text('')\n"
        "def plugin(version): return Plugin\n"
    )
    (tmp_path / "pyproject.toml").write_text('[tool.mypy]\nplugins = ["tools/plugin.py"]\n')
    assert judge(good()) == []
    assert (tmp_path / "loaded").exists()


def test_a_missing_plugin_is_told_with_a_way_out(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[mypy]\nplugins = no_such_plugin_anywhere\n")
    with pytest.raises(VerifyError, match="no_such_plugin_anywhere") as error:
        judge(good())
    assert error.value.help is not None
    assert "--no-verify" in error.value.help


class Counted:
    """Counts how often mypy is really asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = 0
        self._run = run_mypy
        monkeypatch.setattr("pgflow_gen.verify.run_mypy", self)

    def __call__(self, staging: Staging, config: Config) -> list[Reported]:
        self.runs += 1
        return self._run(staging, config)


def test_a_clean_verdict_is_remembered_until_something_it_rests_on_changes(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch)
    source = good()
    source.lines.insert(1, "from flows import helper")
    (tmp_path / "flows").mkdir()
    helper = tmp_path / "flows/helper.py"
    helper.write_text("import flows.deeper\n")
    deeper = tmp_path / "flows/deeper.py"
    deeper.write_text("X = 1\n")
    for expected in (1, 1):
        assert judge(source) == []
        assert counted.runs == expected
    deeper.write_text("X = 2\n")
    judge(source)
    judge(source)
    assert counted.runs == 2
    (tmp_path / "mypy.ini").write_text("[mypy]\npython_version = 3.12\n")
    judge(source)
    assert counted.runs == 3
    known = json.loads((tmp_path / ".pgflow/cache/verdict.json").read_text())
    assert set(known["files"]) == {f"flows/{name}.py" for name in ("crawl", "deeper", "helper")}


def test_a_verdict_with_findings_is_not_remembered(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    source = Source()
    source.step("urls", {"flow_input": STR}, ListType(STR), above="untyped")
    assert judge(source)
    assert judge(source)
    assert counted.runs == 2


def test_nothing_but_the_cache_is_written(judge: Judge, tmp_path: Path) -> None:
    judge(good())
    assert {path.name for path in tmp_path.iterdir()} == {"flows", ".pgflow"}
    assert (tmp_path / ".pgflow/cache/.gitignore").read_text() == "*\n"

"""How findings look: text as specification/language.md shows it, JSON and GitHub annotations."""

from __future__ import annotations

import io
import json

from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.report import render_report, summary, wants_colour
from pgflow_gen.report.github import as_github
from pgflow_gen.report.snippet import display_width, snippet
from pgflow_gen.report.text import as_text

PATH = "flows/crawl.py"
LINE = "def report(fetch: list[str]) -> Report:"
SOURCES = {PATH: "\n" * 30 + LINE + "\n    ...\n"}
FINDING = Diagnostic(
    "PGF303",
    "step 'report' asks for fetch: list[str], but step 'fetch' returns list[Page]",
    Span(PATH, 31, 12, 31, 28),
    ("step 'fetch' is defined at flows/crawl.py:26",),
    "annotate the parameter as list[Page]",
    highlight=Span(PATH, 31, 19, 31, 28),
)


def at(line: int, column: int, end_column: int, text: str, message: str = "wrong") -> str:
    finding = Diagnostic("PGF999", message, Span(PATH, line, column, line, end_column))
    return as_text(finding, {PATH: text})


def carets(text: str, column: int, end_column: int) -> tuple[str, str]:
    """The source line and the caret line without their gutters."""
    _, line, below = at(1, column, end_column, text).split("\n")
    return line.removeprefix("    1 | "), below.removeprefix("      | ")


def test_a_finding_looks_as_the_specification_shows_it() -> None:
    assert as_text(FINDING, SOURCES) == (
        "flows/crawl.py:31:12: error[PGF303]: step 'report' asks for fetch: list[str],"
        " but step 'fetch' returns list[Page]\n"
        "   31 | def report(fetch: list[str]) -> Report:\n"
        "      |                   ^^^^^^^^^\n"
        "   = note: step 'fetch' is defined at flows/crawl.py:26\n"
        "   = help: annotate the parameter as list[Page]"
    )


def test_colour_adds_escape_codes_and_nothing_else() -> None:
    coloured = as_text(FINDING, SOURCES, colour=True)
    assert "\x1b[1;31merror[PGF303]\x1b[0m" in coloured
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == as_text(FINDING, SOURCES)


def test_without_source_there_is_no_snippet() -> None:
    assert "|" not in as_text(FINDING, {}).split("\n", 1)[1]
    assert "|" not in as_text(FINDING, {PATH: "too short\n"}).split("\n", 1)[1]


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    line, below = carets("名前 = x", 6, 7)
    assert (line, below) == ("名前 = x", "       ^")
    line, below = carets("e\u0301 = x", 6, 7)
    assert below == "    ^"
    assert display_width("名e\u0301\u200b") == 3


def test_a_marked_wide_character_gets_two_carets() -> None:
    assert carets("x = 名", 5, 6) == ("x = 名", "    ^^")


def test_tabs_are_expanded_in_line_and_below() -> None:
    assert carets("\tx = y\tz", 2, 3) == ("    x = y   z", "    ^")
    assert carets("\tx = y\tz", 8, 9) == ("    x = y   z", "            ^")


def test_control_characters_cannot_reach_the_terminal() -> None:
    line, below = carets("a\x1b[31mb", 7, 8)
    assert "\x1b" not in line
    assert below == "      ^"
    assert "\x1b" not in at(1, 1, 2, "x", message="name '\x1b[2J\n' is odd")


def test_a_form_feed_is_no_end_of_line() -> None:
    assert at(2, 1, 2, "a\x0cb\nc\n").split("\n")[1] == "    2 | c"


def test_a_span_of_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    piece = snippet("call(  \n  x)\n", Span(PATH, 1, 1, 2, 5))
    assert piece is not None
    assert (piece.text, piece.indent, piece.width) == ("call(", 0, 5)


def test_an_empty_span_or_one_beyond_the_line_still_points() -> None:
    assert carets("abc", 2, 2) == ("abc", " ^")
    assert carets("abc", 9, 12) == ("abc", "   ^")


def test_a_very_long_line_is_cut_around_the_carets() -> None:
    line, below = carets("x" * 500 + "MARK" + "y" * 500, 501, 505)
    assert len(line) < 200
    start = below.index("^")
    assert line[start : start + 4] == "MARK"
    assert below.count("^") == 4


def test_line_numbers_beyond_five_digits_widen_the_gutter() -> None:
    text = as_text(Diagnostic("PGF999", "m", Span(PATH, 123456, 1, 123456, 2)), {PATH: "\n" * 123455 + "x"})
    assert text.split("\n")[1:] == ["123456 | x", "       | ^"]


def test_json_has_the_keys_of_the_specification_in_its_order() -> None:
    data = json.loads(render_report("json", [FINDING], SOURCES))
    assert list(data) == ["diagnostics"]
    assert data["diagnostics"] == [
        {
            "code": "PGF303",
            "severity": "error",
            "path": "flows/crawl.py",
            "line": 31,
            "column": 12,
            "end_line": 31,
            "end_column": 28,
            "message": FINDING.message,
            "notes": ["step 'fetch' is defined at flows/crawl.py:26"],
            "help": "annotate the parameter as list[Page]",
        }
    ]
    assert json.loads(render_report("json", [], {})) == {"diagnostics": []}


def test_github_escapes_what_would_end_the_command() -> None:
    finding = Diagnostic("PGF101", "50% of\nit", Span("a,b:c.py", 1, 2, 3, 4), severity="warning", help="h")
    assert as_github(finding) == (
        "::warning file=a%2Cb%3Ac.py,line=1,col=2,endLine=3,endColumn=4,title=PGF101::50%25 of%0Ait%0Ahelp: h"
    )


def test_the_closing_line_counts() -> None:
    def line(*items: Diagnostic) -> str:
        return summary(items, file_count=3, flow_count=3, step_count=11)

    def other(path: str, severity: str = "error") -> Diagnostic:
        return Diagnostic(
            "PGF203", "m", Span.file(path), severity="error" if severity == "error" else "warning"
        )

    assert line() == "3 flows, 11 steps: no faults"
    assert line(FINDING) == "1 error in 1 of 3 files"
    assert line(FINDING, other(PATH)) == "2 errors in 1 of 3 files"
    assert line(FINDING, other("b.py"), other("c.py", "warning")) == "2 errors and 1 warning in 2 of 3 files"
    assert line(other("c.py", "warning")) == "3 flows, 11 steps: no errors, 1 warning"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_and_as_the_environment_says() -> None:
    assert wants_colour(Terminal(), {"TERM": "xterm"})
    assert not wants_colour(io.StringIO(), {"TERM": "xterm"})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert not wants_colour(Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert wants_colour(io.StringIO(), {"FORCE_COLOR": "1"})
    assert wants_colour(Terminal(), {"NO_COLOR": ""})

"""Text files as editors save them: with a byte order mark they are read, other encodings are named."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from pgflow_shared.system.files import NotText, decode_text
from tests.support.migrations import migration
from tests.support.project import Project

FLOW = """\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
"""


def marked(path: Path, encoding: str = "utf-8-sig") -> None:
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))


def test_everything_with_a_mark(tmp_path: Path, bare_database_dsn: str) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": FLOW, "mypy.ini": "[mypy]\npython_version = 3.12\n"})
    project.write("input.json", '"x"')
    for name in ("pyproject.toml", "flows/crawl.py", "mypy.ini", "input.json"):
        marked(tmp_path / name)
    project.ok("build")
    for name in ("generated/migrations/0001_crawl.sql", "generated/schemas/crawl.json"):
        marked(tmp_path / name)
    dsn = ("--dsn", bare_database_dsn)
    assert "applied 0001_crawl.sql" in project.ok("migrate", *dsn).stdout
    project.ok("start", "crawl", "@input.json", *dsn)
    assert "1 flow of this project as the database has them" in project.run("doctor", *dsn).stdout
    log = tmp_path / "worker.log"
    with project.worker("flows.crawl:crawl", *dsn, log=log):
        project.ok("start", "crawl", "@input.json", "--wait", *dsn)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1"])
def test_another_encoding_is_named(tmp_path: Path, bare_database_dsn: str, encoding: str) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": FLOW})
    words = (
        "it is not UTF-8 (byte 0xe9 in line" if encoding == "latin-1" else "it is UTF-16: save it as UTF-8"
    )
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    dsn = ("--dsn", bare_database_dsn)
    place = tmp_path / "generated/migrations/0001_crawl.sql"
    project.write("generated/migrations/0001_crawl.sql", migration().text + "-- é\n")
    place.write_bytes(mark + place.read_text(encoding="utf-8").encode(encoding))
    assert words in project.run("migrate", *dsn).stderr
    place.unlink()
    (tmp_path / "input.json").write_bytes(mark + '"é"'.encode(encoding))
    project.ok("build", "--no-verify")
    assert words in project.run("start", "crawl", "@input.json", *dsn).stderr
    toml = tmp_path / "pyproject.toml"
    toml.write_bytes(mark + (toml.read_text() + "# é\n").encode(encoding))
    for command in (["build"], ["migrate", *dsn], ["worker", "flows.crawl:crawl", *dsn], ["init"]):
        done = project.run(*command)
        assert words in done.stderr, (command, done.stderr)
        assert done.returncode in (1, 2)


def test_what_is_no_text() -> None:
    assert decode_text(b"\xef\xbb\xbfa") == "a"
    with pytest.raises(NotText, match="UTF-32"):
        decode_text("a".encode("utf-32"))

"""How the command line ends when something breaks: one line, exit code 2, a traceback only with --debug."""

from __future__ import annotations

import errno

import click
import pytest

from pgflow_command.app import app
from pgflow_command.lazy import LazyCommand
from pgflow_gen.cli import main


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The command ``fail`` raises what is put into this list."""
    errors: list[BaseException] = []

    def load(_ctx: click.Context, name: str) -> click.Command | None:
        def body() -> None:
            raise errors[0]

        return click.Command("fail", callback=body) if name == "fail" else None

    monkeypatch.setattr(app, "lazy", {"fail": LazyCommand("x:y", "Fail.", "Tests")})
    monkeypatch.setattr(app, "get_command", load)
    monkeypatch.delenv("PGFLOW_DEBUG", raising=False)
    return errors


def ended(*arguments: str) -> object:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return exit_.value.code


def test_a_bug_is_one_line(failing: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    failing.append(KeyError("boom\nbang"))
    assert ended("fail") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("Internal error: KeyError: 'boom\\nbang'")
    assert "report" in error


def test_a_bug_with_debug_shows_where(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.append(KeyError("boom"))
    assert ended("--debug", "fail") == 2
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("PGFLOW_DEBUG", "1")
    assert ended("fail") == 2
    assert "Traceback" in capsys.readouterr().err


def test_the_operating_systems_no_is_no_bug(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(PermissionError(errno.EACCES, "Permission denied", "generated"))
    assert ended("fail") == 2
    assert capsys.readouterr().err == "Error: generated: Permission denied\n"


def test_an_interrupt_ends_quietly(failing: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    failing.append(KeyboardInterrupt())
    assert ended("fail") == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_command_that_is_missing_from_the_installation_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "lazy", {"gone": LazyCommand("pgflow_gen.cli.gone:gone", "Gone.", "Tests")})
    assert ended("gone") == 2
    assert "The command 'gone' is not part of this installation" in capsys.readouterr().err
    assert ended("--help") == 0
    assert "Gone." in capsys.readouterr().out

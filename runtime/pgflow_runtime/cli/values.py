"""Values and times as they are given on the command line."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pgflow_runtime.errors import UsageError
from pgflow_runtime.runs.documents import written_value
from pgflow_shared.system.files import NotText, decode_text, read_text


class TakesNumbers(click.Command):
    """A negative number is a value and no option: JSON allows the blank that tells click so."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {arg}" if re.match(r"-\d", arg) else arg for arg in args])


def read_value(text: str | None, what: str) -> Any:
    """The value of JSON, @FILE or - (stdin), None for nothing. Raises UsageError for what is no JSON.

    ``what`` names it in words: "the input".
    """
    if text is None:
        return None
    source, written = what, text
    try:
        if text == "-":
            source, written = "stdin", decode_text(sys.stdin.buffer.read())
        elif text.startswith("@"):
            source = text[1:]
            written = read_text(Path(source))
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    except NotText as error:
        raise UsageError(f"{source} cannot be read: {error}") from error
    hint = None if source != what else "quote it for the shell: '{\"key\": 1}', or use @FILE or -"
    return written_value(written, source, hint)


def read_moment(option: str, text: str) -> datetime:
    """A time, local where it has no offset. Raises UsageError."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option}: {text!r} is no time", help="write 2026-03-01 or 2026-03-01T12:30:00Z"
        ) from None

"""The entry point: runs the command line and turns every way of ending into an exit code.

0 clean, 1 findings, 2 usage or internal error; an internal error is one line, unless --debug.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

import click


def run(args: Sequence[str] | None = None) -> NoReturn:
    """Run ``pgflow-gen`` with ``args`` (default: the process's) and exit."""
    arguments = list(sys.argv[1:] if args is None else args)
    # What a source file may hold, a terminal's encoding may not.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    # Python says so when it compiles the module; we read its strings and would say it again, without a place.
    warnings.filterwarnings("ignore", 'invalid escape sequence|".* is an invalid')
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    from pgflow_command.app import app

    try:
        result = app.main(arguments, prog_name="pgflow-gen", standalone_mode=False)
        if sys.stdout is not None:  # a process may be started without one
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader has seen enough (``pgflow-gen ... | head``); keep the interpreter's exit quiet as well.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _refused(error, arguments)
    except Exception as error:
        return _broken(error, arguments)
    return result if isinstance(result, int) else 0


def _trace(arguments: Sequence[str]) -> None:
    """The traceback of the error being handled, for those who ask for it."""
    if "--debug" in arguments or os.environ.get("PGFLOW_DEBUG"):
        import traceback

        traceback.print_exc()


def _refused(error: OSError, arguments: Sequence[str]) -> int:
    """The operating system said no: that is the user's to mend, not a bug."""
    _trace(arguments)
    place = f"{error.filename}: " if error.filename is not None else ""
    click.echo(f"Error: {place}{error.strerror or error}", err=True)
    return 2


def _broken(error: Exception, arguments: Sequence[str]) -> int:
    _trace(arguments)
    text = " ".join(str(error).split())
    click.echo(
        f"Internal error: {type(error).__name__}: {text[:300]}. This is a bug in pgflow-gen: please report it"
        " in the project's issue tracker, with what the same command prints with --debug.",
        err=True,
    )
    return 2

"""Runs in colours, drawn by rich. Imported only where a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pgflow_runtime.runs.reading import Reading, place
from pgflow_runtime.runs.schedules import when_of
from pgflow_runtime.runs.tree import RunNode
from pgflow_runtime.terminal.rows import Row, run_rows, step_rows
from pgflow_runtime.terminal.words import (
    ago,
    clock,
    duration,
    first_line,
    last_words,
    list_words,
    next_words,
    one_line,
    origin_words,
    printable,
    value_text,
)
from pgflow_shared.statuses import NOT_RUN, STATUSES, Look

_LOOKS: Mapping[str, Look] = {
    **{name: status.look for name, status in STATUSES.items()},
    STATUSES["created"].word: STATUSES["created"].look,
    "not run": NOT_RUN,
}
"""By status, or the word that a row of the tree has instead."""
_BAR = 24
_COLUMNS = 6


def console(stream: TextIO) -> Console:
    """A console on a stream; NO_COLOR takes the colours away."""
    return Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show_runs(to: Console, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """A table of runs."""
    table = _table("run", "flow", "status", "started", "took", "")
    for row in rows:
        took = duration(row["started_at"], row["ended_at"] or now)
        started = f"{clock(row['started_at'])}, {ago(row['started_at'], now)}"
        why = list_words(row)
        cells = [Text(row["flow_slug"], "bold"), _status(to, row["status"]), Text(started), Text(took)]
        table.add_row(Text(str(row["run_id"])), *cells, Text(why or "", "dim"))
    to.print(table)


def show_failed(to: Console, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """A table of failed runs: step and message take what is left of the width."""
    table = _table("run", "flow", "step", "failed", "message")
    for row in rows:
        index = f"[{row['task_index']}]" if row["task_index"] else ""
        table.add_row(
            Text(str(row["run_id"])),
            Text(row["flow_slug"], "bold"),
            Text(f"{row['step_slug'] or '–'}{index}"),
            Text(ago(row["ended_at"], now)),
            Text(first_line(row["error_message"] or ""), "red", no_wrap=True, overflow="ellipsis"),
        )
    to.print(table)


def show_waiting(to: Console, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """A table of runs that wait for somebody."""
    table = _table("run", "flow", "signal", "key", "waits", "until")
    for row in rows:
        until = clock(row["deadline_at"]) if row["deadline_at"] is not None else ""
        table.add_row(
            Text(str(row["run_id"])),
            Text(row["flow_slug"], "bold"),
            Text(row["step_slug"]),
            Text(one_line(row["key"] or "", 60)),
            Text(duration(row["since"], now)),
            Text(until),
        )
    to.print(table)


def show_schedules(to: Console, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """A table of schedules."""
    table = _table("flow", "schedule", "when", "next fire", "last fire")
    for row in rows:
        style = "red" if row["last_outcome"] == "failed" else "yellow" if row["is_paused"] else ""
        table.add_row(
            Text(row["flow_slug"], "bold"),
            Text(row["schedule_slug"]),
            Text(one_line(when_of(row["spec"]))),
            Text(next_words(row).removeprefix("next "), style),
            Text(last_words(row).removeprefix("last "), style),
        )
    to.print(table)


def show_reading(to: Console, reading: Reading, now: datetime) -> None:
    """A run once, with its error or output."""
    to.print(picture(to, reading, now))
    to.print(*_closing(reading), sep="\n", end="")


@contextmanager
def live_picture(to: Console, reading: Reading) -> Iterator[Live]:
    """A picture of a run that can be updated in place; the last one stays, whole."""
    with Live(
        picture(to, reading, reading.run.started_at),
        console=to,
        auto_refresh=False,
        vertical_overflow="ellipsis",
    ) as live:
        try:
            yield live
        finally:
            live.vertical_overflow = "visible"


def picture(to: Console, reading: Reading, now: datetime, trouble: str | None = None) -> RenderableType:
    """A line about the run, and its steps as a tree."""
    run = reading.run
    head = Text.assemble(
        _status(to, run.status), "  ", (run.flow_slug, "bold"), f"  {run.run_id}  ",
        (duration(run.started_at, run.ended_at or now), "dim"),
    )  # fmt: skip
    tree = Table.grid(padding=(0, 2))
    for _ in range(_COLUMNS):
        tree.add_column(no_wrap=True, overflow="ellipsis")
    for row in step_rows(reading, now):
        tree.add_row(*_cells(to, row))
    if run.begins_at is not None:
        head.append(f"  begins at {clock(run.begins_at)}", "yellow")
    if run.held_at is not None and not run.is_final:
        head.append(f"  held since {clock(run.held_at)}", "yellow")
    if run.origin is not None:
        head.append(f"  {origin_words(run.origin)}", "dim")
    parts: list[RenderableType] = [head, tree]
    if reading.companions:
        parts += [Text("after its end", "dim"), *tree_texts(to, reading.companions, now)]
    if trouble is not None:
        parts.append(Text(one_line(trouble), "yellow"))
    return Group(*parts)


def tree_texts(to: Console, nodes: Sequence[RunNode], now: datetime) -> Iterator[Text]:
    """A line for each run below another one."""
    for row in run_rows(nodes, now):
        symbol, style = _symbol(to, row.status)
        facts = "; ".join(filter(None, (row.time, *row.notes)))
        yield Text.assemble(
            (_branch(to, row), "dim"), (f"{symbol} {row.status}", style), f"  {row.slug}  ", (facts, "dim")
        )


def show_nodes(to: Console, root: RunNode, now: datetime) -> None:
    """A run and those below it."""
    took = duration(root.started_at, root.ended_at or now)
    to.print(
        Text.assemble(
            _status(to, root.status), "  ", (root.flow_slug, "bold"), f"  {root.run_id}  ", (took, "dim")
        )
    )
    if root.origin is not None:
        to.print(Text(origin_words(root.origin), "dim"))
    for line in tree_texts(to, root.branches, now):
        to.print(line)
    if root.has_more:
        to.print(Text("... and more", "dim"))


def show_end(to: Console, reading: Reading) -> None:
    """What follows the last picture of a run that was watched: its error."""
    for part in _closing(reading, with_output=False):
        to.print(part)


def _cells(to: Console, row: Row) -> Iterator[RenderableType]:
    symbol, style = _symbol(to, row.status)
    yield Text.assemble(
        (_branch(to, row), "dim"), (symbol, style), " ", (row.slug, "bold" if row.status == "started" else "")
    )
    yield Text(row.status, style)
    yield Text(row.time, "dim", justify="right")
    if row.progress is not None:
        done, total = row.progress
        yield ProgressBar(max(total, 1), done if total else 1, width=_BAR)
        yield Text(f"{done:,}/{total:,}")
    else:
        yield Text("")
        yield Text("")
    yield Text("; ".join(row.notes), "red" if row.status == "failed" else "dim")


def _closing(reading: Reading, *, with_output: bool = True) -> Iterator[RenderableType]:
    failure = reading.failure
    if reading.run.status == "failed":
        where = f" in {place(reading, failure)}" if failure is not None and failure.step_slug else ""
        yield Text(f"\nfailed{where}", "bold red")
        message = (failure.message if failure is not None else None) or reading.message or ""
        yield Text(printable(message))
    elif reading.run.status == "cancelled":
        reason = reading.run.cancel_reason
        yield Text(f"\ncancelled{f': {one_line(reason)}' if reason else ''}", "bold")
    elif with_output and reading.run.status == "completed":
        yield Text("\noutput", "bold")
        yield Text(value_text(reading.run.output, indent=2))


def _table(*names: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(
            name,
            overflow="ellipsis" if name == "message" else "fold",
            no_wrap=name != "message",  # the one that gives way where the terminal is narrow
            min_width=36 if name == "run" else None,
        )
    return table


def _branch(to: Console, row: Row) -> str:
    return row.branch if _has_unicode(to) else row.branch.translate(str.maketrans("├└│─", "|`|-"))


def _status(to: Console, status: str) -> Text:
    symbol, style = _symbol(to, status)
    return Text(f"{symbol} {status}", style)


def _symbol(to: Console, status: str) -> tuple[str, str]:
    look = _LOOKS.get(status, Look("?", "?", ""))
    return (look.symbol if _has_unicode(to) else look.plain), look.style


def _has_unicode(to: Console) -> bool:
    return to.encoding.lower().startswith("utf")

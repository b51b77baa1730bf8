"""``python -m benchmarks``: the runtime's workloads on our engine and its peers, on one PostgreSQL server."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench import Bench, Subject
from benchmarks.catalogue import ENGINES, make_subjects
from benchmarks.hosts import Host, hosts, why_not
from benchmarks.report import tables
from benchmarks.server import SETTINGS, BenchmarkError, Server, running_server
from benchmarks.workloads import MOST_HOSTS, ON_HOSTS, WORKLOADS, Result, Size, Workload, make_workloads

EPILOG = """\
Each subject (an engine under one setting) gets a database of its own on the same server, does the same work
and is verified: every output and every count. The subjects take turns in each repetition; medians are
printed, with the lowest and highest in parentheses. Peers are installed into virtual environments of
their own at first use, below $XDG_CACHE_HOME or ~/.cache.
A machine that does something else meanwhile measures that as well.
"""


def main() -> None:
    options = _parser().parse_args()
    if options.merge:
        for line in tables(earlier(options.merge)):
            print(line)
        return
    try:
        results = run(options)
    except BenchmarkError as error:
        raise SystemExit(f"benchmarks: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    for line in tables(results):
        print(line)


def earlier(files: Sequence[Path]) -> list[Result]:
    """The results that ``--json`` wrote."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return [Result(**result) for document in documents for result in document["results"]]


def run(options: argparse.Namespace) -> list[Result]:
    """Measure what the options ask for, and keep the results so far in the file they name."""
    size = Size(options.scale, tuple(options.fanout), options.backlog, options.finished, options.waiting_runs)
    workloads = make_workloads(options.workload, size)
    with (
        _network(options.workload) as network,
        running_server(options.postgres, options.data, network) as server,
    ):
        folder = server.folder / "work"
        folder.mkdir()
        subjects = make_subjects(options.engines, options.settings, options.max_concurrent, folder)
        facts = _facts(server)
        _say(", ".join(f"{name} {value}" for name, value in facts.items() if name != "settings"))

        def keep(results: Sequence[Result]) -> None:
            if options.json:
                document = {"facts": facts, "results": [asdict(result) for result in results]}
                options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

        return _repeat(Bench(server, folder), workloads, subjects, options.repetitions, keep)


@contextmanager
def _network(names: Collection[str]) -> Iterator[Sequence[Host]]:
    """The server's host and those of workers, for workloads that need them.

    Raises BenchmarkError: hosts cannot be made here; with what is missing.
    """
    if ON_HOSTS.isdisjoint(names):
        yield ()
        return
    reason = why_not()
    if reason is not None:
        raise BenchmarkError(f"workload {', '.join(ON_HOSTS.intersection(names))}: {reason}")
    with hosts(1 + MOST_HOSTS) as found:
        yield found


def _repeat(
    bench: Bench,
    workloads: Sequence[Workload],
    subjects: Sequence[Subject],
    repetitions: int,
    keep: Callable[[Sequence[Result]], None],
) -> list[Result]:
    results: list[Result] = []
    for turn in range(repetitions):
        for workload in workloads:
            for subject in subjects:
                if not workload.suits(subject):
                    continue
                began = time.monotonic()
                for result in workload.measure(bench, subject):
                    results.append(result)
                    head, value = next(iter(result.metrics.items()))
                    _say(f"{turn + 1}/{repetitions} {result.workload}, {result.subject}: {value:,.4g} {head}")
                _say(f"    in {time.monotonic() - began:.1f} s")
                keep(results)
    return results


def _facts(server: Server) -> dict[str, object]:
    return {
        "PostgreSQL": server.version,
        "Python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "commits a s on this disk": round(server.commits_per_second()),
        "load": " ".join(f"{value:.1f}" for value in os.getloadavg()),
        "settings": SETTINGS,
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--workload",
        type=_names(WORKLOADS),
        default=["chain"],
        metavar="NAME,...",
        help=f"of {', '.join(WORKLOADS)}; default: chain",
    )
    add(
        "--engines",
        type=_names(ENGINES),
        default=["ours"],
        metavar="NAME,...",
        help=f"of {', '.join(ENGINES)}; default: ours",
    )
    add(
        "--settings",
        type=_names(("defaults", "tuned")),
        default=["defaults", "tuned"],
        metavar="NAME,...",
        help="workers with their defaults, or tuned as the engine's documentation says; default: both",
    )
    add(
        "--max-concurrent",
        type=_integers,
        default=[100],
        metavar="N,...",
        help="slots of our tuned worker; several are several subjects; default: 100",
    )
    add("--repetitions", type=_positive, default=3, metavar="N", help="default: 3")
    add(
        "--scale",
        type=float,
        default=1.0,
        metavar="X",
        help="amount of work; 1 (default) takes some seconds a subject, 0.1 is for a quick look",
    )
    add(
        "--fanout",
        type=_integers,
        default=[1000],
        metavar="N,...",
        help="children of the fan-outs; default: 1000",
    )
    add(
        "--backlog",
        type=_positive,
        default=1_000_000,
        metavar="N",
        help="delayed tasks of another flow, for the workload of that name; default: 1000000",
    )
    add(
        "--finished",
        type=_positive,
        default=100_000,
        metavar="N",
        help="finished runs in the tables, for the workload growth; default: 100000",
    )
    add(
        "--waiting-runs",
        type=int,
        default=0,
        metavar="N",
        help="runs beside them that wait for a signal; default: none",
    )
    add(
        "--postgres",
        default="auto",
        metavar="WHICH",
        help="a major version, a folder of programs, or auto: the distribution's, else the embedded",
    )
    add(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="where the server's data goes; default: a temporary folder",
    )
    add(
        "--merge",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="measure nothing: print the tables of what --json wrote in earlier runs, as one",
    )
    add("--json", type=Path, metavar="FILE", help="write all single results there as well")
    return parser


def _names(known: Collection[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"there is no {name!r}; choose from {', '.join(known)}")
        return names

    return parse


def _integers(text: str) -> list[int]:
    return [_positive(part) for part in text.split(",")]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


if __name__ == "__main__":
    main()

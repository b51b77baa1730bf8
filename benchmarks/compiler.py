"""How fast the compiler is on many flow modules, beside a bare libcst.parse_module over the same files.

``python -m benchmarks.compiler`` makes 1,000 modules of five steps in a temporary folder and measures each
command in a process of its own, several times over, the subjects taking turns so that a busy moment of the
machine meets them all. Printed are medians, of the time on the clock and of the processor's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.flow_modules import write_project

_BARE = """\
import sys, time, libcst
from pathlib import Path
texts = [path.read_text() for path in sorted(Path(sys.argv[1]).glob("*.py"))]
libcst.parse_module(texts[0])
clock, processor = time.perf_counter(), time.process_time()
for text in texts:
    libcst.parse_module(text)
print(time.perf_counter() - clock, time.process_time() - processor)
"""


@dataclass
class Subject:
    """One thing that is measured; ``peak`` is the largest memory in MB, of all its processes together where
    the kernel tells what they share (Linux), else of the larger one."""

    name: str
    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak: float = 0.0

    def line(self, bare: Subject) -> str:
        clock, processor = statistics.median(self.clock), statistics.median(self.processor)
        ratio = f"{clock / statistics.median(bare.clock):5.2f} x bare"
        return f"{self.name:34} {clock:7.2f} s  (processor {processor:6.2f} s)  {ratio}  {self.peak:5.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--project", type=Path, help="a folder to make the project in, or one made before")
    parser.add_argument("--prepare", action="store_true", help="only make the project, and let mypy judge it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pgflow-bench-") as folder:
        root = options.project or Path(folder) / "project"
        modules = prepare(root, options.modules)
        for line in [] if options.prepare else measure(root, modules, options.repetitions):
            print(line, flush=True)


def prepare(root: Path, count: int) -> list[Path]:
    """A project of ``count`` modules that has been built once, so that mypy's verdict is on record."""
    modules = sorted((root / "flows").glob("crawl_*.py")) or write_project(root, count)
    _command(root, "build")
    return modules


def measure(root: Path, modules: Sequence[Path], repetitions: int) -> list[str]:
    """The report's lines for a project that was prepared."""
    names = ("libcst.parse_module", "build, cold", "build --check, no change", "build, one file changed")
    bare, cold, same, changed = subjects = [Subject(name) for name in names]
    help_ = Subject("--help")
    middle = modules[len(modules) // 2]
    original = middle.read_text(encoding="utf-8")
    _forget(root)
    _memory(root, cold, "build", "--no-verify")
    for turn in range(repetitions):
        _bare(root, bare)
        _forget(root)
        _measured(root, cold, "build", "--no-verify")
        _command(root, "build")
        _measured(root, same, "build", "--check")
        text = original.replace("depth: NotRequired[int]", f"depth: NotRequired[int]\n    turn_{turn}: str")
        middle.write_text(text, encoding="utf-8")
        _measured(root, changed, "build", "--no-verify")
        middle.write_text(original, encoding="utf-8")
        _measured(root, help_, "--help")
    return [subject.line(bare) for subject in (*subjects, help_)]


def _forget(root: Path) -> None:
    """All that builds have left behind, but for mypy's verdict."""
    for place in ("generated", ".pgflow/cache/build.json", ".pgflow/cache/modules"):
        _remove(root / place)


def _bare(root: Path, subject: Subject) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BARE, str(root / "flows")], capture_output=True, text=True, check=True
    )
    clock, processor = map(float, done.stdout.split())
    subject.clock.append(clock)
    subject.processor.append(processor)


def _command(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pgflow_gen", *arguments]
    subprocess.run(command, cwd=root, env=_environment(), capture_output=True, check=True)


def _environment() -> dict[str, str]:
    """An installed compiler has its byte code beside it, whatever this process thinks of writing any."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _measured(root: Path, subject: Subject, *arguments: str) -> None:
    """Run ``pgflow-gen`` and keep what the kernel says about the finished processes (Unix only)."""
    command: Sequence[str] = [sys.executable, "-m", "pgflow_gen", *arguments]
    begin = time.perf_counter()
    with _started(root, command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    subject.clock.append(time.perf_counter() - begin)
    if process.returncode != 0:
        raise SystemExit(f"pgflow-gen {' '.join(arguments)} ended with {process.returncode}")
    subject.processor.append(usage.ru_utime + usage.ru_stime)
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    subject.peak = max(subject.peak, kilobytes / 1024)


def _started(root: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=root, env=_environment(), stdout=quiet, stderr=quiet)


def _memory(root: Path, subject: Subject, *arguments: str) -> None:
    """Run ``pgflow-gen`` once more, off the clock, asking every 50 ms what its processes hold together."""
    if sys.platform != "linux":
        return
    with _started(root, [sys.executable, "-m", "pgflow_gen", *arguments]) as process:
        while process.poll() is None:
            subject.peak = max(subject.peak, sum(map(_share, _family(process.pid))) / 1024)
            time.sleep(0.05)


def _family(pid: int) -> list[int]:
    """A process and those it has started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(own for child in children for own in _family(int(child)))]


def _share(pid: int) -> int:
    """Kilobytes of a process, pages that several share divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _remove(path: Path) -> None:
    remove: Callable[[Path], None] = shutil.rmtree if path.is_dir() else Path.unlink
    if path.exists():
        remove(path)


if __name__ == "__main__":
    main()

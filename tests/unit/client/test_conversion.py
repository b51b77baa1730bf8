"""The synchronous code is what the conversion makes of the asynchronous one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.async_to_sync import SOURCE, TARGET, convert

ROOT = Path(__file__).resolve().parents[3]


def test_committed_twin_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/async_to_sync.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in SOURCE.glob("*.py")} == {path.name for path in TARGET.glob("*.py")}


def test_words_are_converted_and_nothing_else() -> None:
    source = '''\
class AsyncThing:
    """An asynchronous thing."""

    async def use(self, other: AsyncOther) -> "str":
        async with other.open() as found, other:  # await stays in comments
            await found.aclose()
        return "await AsyncThing"
'''
    assert (
        convert(source)
        == '''\
class Thing:
    """An synchronous thing."""

    def use(self, other: Other) -> "str":
        with other.open() as found, other:  # await stays in comments
            found.close()
        return "await AsyncThing"
'''
    )


def test_what_is_for_tasks_only_is_left_out() -> None:
    only = "    if slow:  # async only: why\n        await rest()  # async only\n"
    source = f"async def use() -> None:\n{only}    go()\n"
    assert convert(source) == "def use() -> None:\n    go()\n"


def test_twin_has_no_trace_of_the_other() -> None:
    for path in TARGET.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "asyncio" not in text
        assert "await " not in text

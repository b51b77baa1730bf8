"""A file that git could not merge: both branches' versions of it, out of its conflict markers."""

from __future__ import annotations

from typing import Literal

_MARKS = ("<<<<<<< ", "||||||| ", "=======", ">>>>>>> ")


def has_conflict(content: bytes) -> bool:
    if b"<<<<<<< " not in content:
        return False  # as nearly always: no need to look at each line
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    starts = any(line.startswith(b"<<<<<<< ") for line in lines)
    return starts and b"=======" in lines and any(line.startswith(b">>>>>>> ") for line in lines)


def both_sides(content: bytes) -> tuple[bytes, bytes]:
    """Ours and theirs; what is outside of conflicts belongs to both."""
    ours: list[str] = []
    theirs: list[str] = []
    part: Literal["both", "ours", "base", "theirs"] = "both"
    for line in content.decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n"):
        if line.startswith(_MARKS[0]):
            part = "ours"
        elif line.startswith(_MARKS[1]) and part == "ours":
            part = "base"
        elif line == _MARKS[2] and part in ("ours", "base"):
            part = "theirs"
        elif line.startswith(_MARKS[3]) and part == "theirs":
            part = "both"
        else:
            if part in ("both", "ours"):
                ours.append(line)
            if part in ("both", "theirs"):
                theirs.append(line)
    return "\n".join(ours).encode(), "\n".join(theirs).encode()

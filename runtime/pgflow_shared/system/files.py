"""Text files that people and their editors write: UTF-8, with a byte order mark or without."""

from __future__ import annotations

import codecs
from pathlib import Path

_OTHERS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class NotText(ValueError):
    """The bytes are no UTF-8; says what they are and what to do."""


def read_text(path: Path) -> str:
    """The text of a file, its line ends as LF. Raises OSError and NotText."""
    return decode_text(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n")


def decode_text(data: bytes) -> str:
    """``data`` without its byte order mark. Raises NotText."""
    for mark, name in _OTHERS.items():
        if data.startswith(mark):
            raise NotText(f"it is {name}: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise NotText(f"it is not UTF-8 (byte 0x{byte:02x} in line {line}): save it as UTF-8") from None

"""A source file as text: read, decoded the way Python decodes it, and digested."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import tokenize
from pathlib import Path

from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.light_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file that could be read and decoded."""

    path: str
    """POSIX and relative to the project's root."""
    absolute: Path
    text: str
    digest: str
    """``sha256`` of the text with LF line ends, in hex: CRLF checkouts count as the same source."""


def display_path(root: Path, file: Path | str) -> str:
    """``file`` as messages name it: POSIX, relative to ``root``."""
    text, prefix = os.fspath(file), f"{os.fspath(root)}/"
    if os.sep == "/" and text.startswith(prefix) and text.isascii():
        return text[len(prefix) :]
    try:
        path = Path(file).relative_to(root).as_posix()
    except ValueError:
        path = Path(os.path.relpath(file, root)).as_posix()
    # A file name that is no UTF-8 must not break the message that is about it.
    return path.encode("utf-8", "backslashreplace").decode()


def read_source(root: Path, file: Path) -> SourceText | Diagnostic:
    """Read and decode ``file``; a file that does not allow it is a PGF102."""
    path = display_path(root, file)
    try:
        data = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Diagnostic("PGF102", f"cannot read the file: {reason}", Span.file(path))
    text = _decode(path, data)
    if isinstance(text, Diagnostic):
        return text
    digest = hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()
    return SourceText(path, file, text, digest)


def _decode(path: str, data: bytes) -> str | Diagnostic:
    """Decode by byte order mark and coding cookie (PEP 263), UTF-8 without them."""
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SyntaxError("it is UTF-16, which Python does not read")
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except (SyntaxError, LookupError, ValueError) as error:  # newer Pythons decode the first lines here
        words = error.msg if isinstance(error, SyntaxError) else str(error).partition("\n")[0]
        if "null bytes" in words:
            return _null_byte(path, data.decode("utf-8", "replace"))
        return Diagnostic(
            "PGF102",
            f"cannot decode the file: {words}",
            Span.file(path),
            help="save the file as UTF-8, or name its true encoding in a coding comment",
        )
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError, ValueError) as error:
        return _undecodable(path, data, encoding, error)
    return _null_byte(path, text) if "\0" in text else text.removeprefix("\ufeff")


def _null_byte(path: str, text: str) -> Diagnostic:
    return Diagnostic(
        "PGF102",
        "cannot read the file: it holds a null byte",
        _place(path, text, text.find("\0")),
        help="is this a Python source file? save it as UTF-8 text",
    )


def _undecodable(path: str, data: bytes, encoding: str, error: Exception) -> Diagnostic:
    """A PGF102 at the first byte that does not decode."""
    place = Span.file(path)
    shown = encoding
    if isinstance(error, UnicodeDecodeError):
        shown = f"{encoding} (byte 0x{data[error.start]:02x})"
        readable = data[: error.start].decode(encoding, "replace").removeprefix("\ufeff")
        place = _place(path, readable, len(readable))
    return Diagnostic(
        "PGF102",
        f"cannot decode the file as {shown}",
        place,
        help="save the file as UTF-8, or name its true encoding in a coding comment",
    )


def _place(path: str, text: str, offset: int) -> Span:
    lines = text[:offset].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    return Span(path, line, column, line, column + 1)

"""Hashes of files, as manifest and ledger keep them."""

from __future__ import annotations

import hashlib


def unix(content: bytes) -> bytes:
    """``content`` with LF line ends: git may have checked it out with others."""
    return content.replace(b"\r\n", b"\n")


def digest(content: bytes) -> str:
    """``sha256:<hex>`` of the content; CRLF and LF make no difference."""
    return f"sha256:{hashlib.sha256(unix(content)).hexdigest()}"


def same(one: bytes | None, other: bytes | None) -> bool:
    """Whether two contents are equal but for line ends; a file that is not there equals only itself."""
    if one is None or other is None:
        return one is other
    return unix(one) == unix(other)

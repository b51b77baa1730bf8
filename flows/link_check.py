"""Find broken relative links in Markdown documents: a root map, one task a document."""

import posixpath
import re
from typing import TypedDict
from urllib.parse import unquote, urlsplit

from pgflow_runtime import Flow


class Document(TypedDict):
    """A Markdown text and the path it is known by, relative to the root of its collection."""

    path: str
    text: str


class Link(TypedDict):
    source: str
    line: int
    target: str


class DocumentLinks(TypedDict):
    path: str
    links: list[Link]


class LinkReport(TypedDict):
    documents: int
    links: int
    broken: list[Link]


link_check = Flow[list[Document]]("link_check", timeout=30)

_INLINE = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
_FENCE = re.compile(r"^\s{0,3}(```|~~~)")


@link_check.map
async def extract(document: Document) -> DocumentLinks:
    """The relative links of one document, outside fenced code, resolved against its own folder."""
    links: list[Link] = []
    fenced = False
    for number, line in enumerate(document["text"].splitlines(), start=1):
        if _FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        for target in [*_INLINE.findall(line), *_REFERENCE.findall(line)]:
            if resolved := _relative(document["path"], target):
                links.append({"source": document["path"], "line": number, "target": resolved})
    return {"path": document["path"], "links": links}


@link_check.step
def broken(extract: list[DocumentLinks]) -> LinkReport:
    """Links that lead to no document of the collection."""
    known = {document["path"] for document in extract}
    links = [link for document in extract for link in document["links"]]
    return {
        "documents": len(extract),
        "links": len(links),
        "broken": [link for link in links if link["target"] not in known],
    }


def _relative(source: str, target: str) -> str | None:
    """The path a relative link leads to; None for absolute URLs and links within the document."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(parts.path)))

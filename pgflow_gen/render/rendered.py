"""All generated files of a project at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec

from pgflow_gen.ir.companions import companions
from pgflow_gen.ir.flow import Analysis, FlowKey, FlowSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.flow_files import FlowFiles, FlowFilesRenderer
from pgflow_gen.render.python.modules import client_module, package_module
from pgflow_gen.render.python.naming import FlowNames, stems
from pgflow_gen.render.python.views import FlowView, flow_view
from pgflow_gen.render.summary import Summary
from pgflow_gen.render.wiring.calls import Wiring, wiring_map
from pgflow_gen.render.wiring.source_map import WiringMap
from pgflow_shared.system.digest import digest

if TYPE_CHECKING:
    from pgflow_gen.config import Config


@dataclass(frozen=True, slots=True, eq=False)
class RenderedFile:
    """``path`` is POSIX and relative to the folder of generated files; its ``digest`` is of the bytes."""

    path: str
    digest: str
    _content: Callable[[], bytes] = field(repr=False)

    @property
    def content(self) -> bytes:
        """UTF-8 with LF. Made when it is asked for, where the digest was known."""
        return self._content()

    @classmethod
    def of(cls, path: str, text: str) -> RenderedFile:
        content = text.encode()
        return cls(path, digest(content), lambda: content)


class Client(msgspec.Struct, frozen=True, array_like=True):
    """What is known of ``client.py``: digests of what it is made from, and of what it holds."""

    made_from: str
    digest: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """A flow of the database: one of the source, or a companion of ``flow``."""

    slug: str
    summary: Summary
    flow: FlowSpec

    @property
    def is_companion(self) -> bool:
        return self.slug != self.flow.db_slug

    def spec(self, types: TypeTable) -> FlowSpec:
        """The flow itself, or the companion as one."""
        if not self.is_companion:
            return self.flow
        return next(item.flow for item in companions(self.flow, types) if item.slug == self.slug)


@dataclass(frozen=True)
class Rendered:
    """Everything but migrations and manifest, which also depend on what was written before."""

    files: tuple[RenderedFile, ...]
    analysis: Analysis
    flow_files: Mapping[FlowKey, FlowFiles]
    client: Client
    _flows: tuple[FlowFilesRenderer, ...] = field(repr=False, compare=False)

    @cached_property
    def wiring(self) -> WiringMap:
        """What the lines of ``_typecheck.py`` are about; worked out when mypy has something to say."""
        return wiring_map([flow.view for flow in self._flows])

    def summary(self, flow: FlowSpec) -> Summary:
        """What migrations, manifest and schemas say of ``flow``."""
        return self.flow_files[flow.key].text.summary

    def migrated(self) -> Iterator[Migrated]:
        """All that has migrations of its own: the flows, each after its companions."""
        for flow in self.analysis.flows:
            text = self.flow_files[flow.key].text
            for slug, summary in text.companions:
                yield Migrated(slug, summary, flow)
            yield Migrated(flow.db_slug, text.summary, flow)

    def contract(self, flow: FlowSpec) -> bytes:
        """``schemas/<flow>.json``."""
        own = self._own(flow)
        return own.contents[f"schemas/{own.stem}.json"]

    def contract_digest(self, flow: FlowSpec) -> str:
        """That of its contract, which need not be rendered for it."""
        own = self._own(flow)
        return own.text.digests[f"schemas/{own.stem}.json"]

    def _own(self, flow: FlowSpec) -> FlowFilesRenderer:
        return self._by_key[flow.key]

    @cached_property
    def _by_key(self) -> Mapping[FlowKey, FlowFilesRenderer]:
        keys = (flow.key for flow in _ordered(self.analysis))
        return dict(zip(keys, self._flows, strict=True))

    def text(self, path: str) -> str:
        return next(file.content for file in self.files if file.path == path).decode()


def render(
    analysis: Analysis,
    config: Config,
    kept: Mapping[FlowKey, FlowFiles] | None = None,
    kept_client: Client | None = None,
) -> Rendered:
    """The files for ``analysis``, sorted by path. Flows must be free of errors.

    ``kept`` are files of the very same flows, from an earlier rendering, ``kept_client`` what that knew of
    the client. Raises ValueError for a flow that has a type or a cycle which earned a finding.
    """
    # Of the configuration only the form of the client counts; where files go is the plan's business.
    wiring, flows = Wiring(), _flows(analysis, kept or {}, native=config.is_native)
    flow_files = _flow_files(flows, wiring)
    client_file, client = _client(analysis, flows.values(), kept_client)
    files = [
        RenderedFile.of("__init__.py", package_module()),
        RenderedFile.of("py.typed", ""),
        RenderedFile.of("_typecheck.py", wiring.text()),
        client_file,
    ]
    for flow in flows.values():
        files += _own_files(flow)
    files.sort(key=lambda file: file.path)
    return Rendered(tuple(files), analysis, flow_files, client, tuple(flows.values()))


def _client(
    analysis: Analysis, flows: Iterable[FlowFilesRenderer], known: Client | None
) -> tuple[RenderedFile, Client]:
    entries = [
        (own.stem, flow.slug, own.text.has_input, own.text.step_slugs, own.text.signals)
        for flow, own in zip(_ordered(analysis), flows, strict=True)
    ]
    made_from = digest(repr(entries).encode())

    def text() -> str:
        return client_module(
            (stem, FlowNames.for_stem(slug), asks, steps, signals)
            for stem, slug, asks, steps, signals in entries
        )

    if known is not None and known.made_from == made_from:
        return RenderedFile("client.py", known.digest, lambda: text().encode()), known
    file = RenderedFile.of("client.py", text())
    return file, Client(made_from, file.digest)


def render_flow_files(analysis: Analysis, config: Config) -> dict[FlowKey, FlowFiles]:
    """What is made of each flow alone, with its files. Raises ValueError like ``render``."""
    flows = _flows(analysis, {}, native=config.is_native)
    flow_files = _flow_files(flows, Wiring())
    return {
        key: msgspec.structs.replace(lines, contents=flows[key].contents) for key, lines in flow_files.items()
    }


def _ordered(analysis: Analysis) -> list[FlowSpec]:
    return sorted(analysis.flows, key=lambda flow: (flow.slug, -flow.version))


def _flows(
    analysis: Analysis, kept: Mapping[FlowKey, FlowFiles], *, native: bool
) -> dict[FlowKey, FlowFilesRenderer]:
    named = stems(analysis.flows)
    return {
        flow.key: FlowFilesRenderer(
            named[flow.key],
            partial(_view, flow, named[flow.key], analysis, native=native),
            kept.get(flow.key),
        )
        for flow in _ordered(analysis)
    }


def _flow_files(flows: Mapping[FlowKey, FlowFilesRenderer], wiring: Wiring) -> dict[FlowKey, FlowFiles]:
    """All flows' files; their parts of the wiring go into ``wiring``, the calls of all flows first."""
    called = {key: flow.calls(wiring) for key, flow in flows.items()}
    proved = {key: flow.proofs(wiring) for key, flow in flows.items()}
    return {key: flow.flow_files(called[key], proved[key]) for key, flow in flows.items()}


def _own_files(flow: FlowFilesRenderer) -> Iterator[RenderedFile]:
    for path, digest_ in flow.text.digests.items():
        yield RenderedFile(path, digest_, partial(_content, flow, path))


def _content(flow: FlowFilesRenderer, path: str) -> bytes:
    return flow.contents[path]


def _view(flow: FlowSpec, stem: str, analysis: Analysis, *, native: bool) -> FlowView:
    return flow_view(flow, stem, analysis.types_of(flow), native=native)

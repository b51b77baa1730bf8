"""The next state of the ledger: which drafts the flows ask for now, what they are called, what is in them.

Three kinds of migrations meet here. *Shipped* ones never change. *Drafts* are written anew by each build: at
most one a flow, which creates the flow or alters its options since the last shipped one; a draft keeps its
name and its place as long as it is asked for. *Strangers* are other people's files, which may follow ours and
be followed: where one follows a draft, that draft stays where it is (it is *pinned*).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pgflow_gen.ir.flow import Analysis, Json
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.rendered import Migrated, Rendered, RenderedFile
from pgflow_gen.render.sql import Script, alike, alter_script, with_drops
from pgflow_gen.render.styles import dress
from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.migrations.chain import end
from pgflow_gen.write.migrations.families import Families
from pgflow_gen.write.migrations.folder import MigrationsFolder
from pgflow_gen.write.migrations.ledger import Entry, Ledger
from pgflow_shared.companions import flow_of
from pgflow_shared.styles.chain import Node
from pgflow_shared.styles.numbering import Numbering
from pgflow_shared.styles.style import Purpose, Style

_UNNAMED = ""


@dataclass(frozen=True, slots=True)
class NextLedger:
    """``drafts`` are those that are rendered from flows, by file name; ``moved`` are forgotten files
    that the ledger knows by another name now."""

    ledger: Ledger
    drafts: dict[str, RenderedFile]
    moved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MigrationTarget:
    """What naming and dressing depend on besides flows and ledger. ``now`` is in UTC, ``app`` Django's."""

    style: Style
    folder: MigrationsFolder
    now: datetime
    app: str = ""


@dataclass(slots=True)
class _Draft:
    """``script`` is None where the flow is gone, or not to be rendered: such a draft stays as it is."""

    entry: Entry
    script: Script | None

    @property
    def is_named(self) -> bool:
        return self.entry.name != _UNNAMED


def next_ledger(
    ledger: Ledger, rendered: Rendered, target: MigrationTarget, *, renumber: bool = False
) -> NextLedger:
    """The ledger after this build, and every draft as a file.

    A file that the ledger has forgotten keeps its name. Flows that are gone keep their migrations: none ever
    takes anything back. ``renumber`` moves drafts behind all that is shipped or not ours. Raises WriteError
    when a chain of migrations has several ends.
    """
    # Which drafts there are to be, and what else stands in the folder.
    drafts = [*_left_alone(ledger, rendered.analysis, target), *_wanted(ledger, rendered, target)]
    adopted = {draft.entry.name for draft in drafts if draft.is_named} - ledger.names
    shipped = [entry for entry in ledger.entries if entry.shipped]
    strangers = _strangers(ledger, drafts, target)

    # Which of them may get another name: not those that other people's files follow.
    pinned = _pinned(drafts, strangers)
    movable = sorted((draft for draft in drafts if _is_movable(draft, pinned)), key=lambda it: it.entry.order)
    moving = {draft.entry.name for draft in movable}
    unnamed = [draft for draft in drafts if not draft.is_named]
    held = shipped + [draft.entry for draft in drafts if draft.is_named and draft.entry.name not in moving]

    # Names: new ones stand behind everything that is there, whoever wrote it.
    others = target.folder.without(adopted | {entry.name for entry in ledger.drafts})
    last = max([others.highest(), *(entry.prefix for entry in held)])
    _name(movable, unnamed, last, target, renumber=renumber)

    # The chain, for tools whose files name the one before; it goes by the names, so it comes after them.
    if target.style.is_chained:
        kept = held if renumber else held + [draft.entry for draft in movable]
        _link(movable + unnamed if renumber else unnamed, kept, strangers)
        _relink(ledger, drafts, strangers)

    # Contents, which hold name and place in the chain, and so the digests.
    files = _files(drafts, target)
    after = Ledger.of([*shipped, *(draft.entry for draft in drafts)])
    return NextLedger(after, files, frozenset(adopted - after.names))


def _files(drafts: list[_Draft], target: MigrationTarget) -> dict[str, RenderedFile]:
    """The drafts that are rendered, by file name; each entry gets its file's digest."""
    files: dict[str, RenderedFile] = {}
    for draft in drafts:
        if draft.script is not None:
            name, after = draft.entry.name, draft.entry.after
            files[name] = RenderedFile.of(name, dress(target.style, draft.script, name, after, target.app))
            draft.entry = replace(draft.entry, digest=files[name].digest)
    return files


def _left_alone(ledger: Ledger, analysis: Analysis, target: MigrationTarget) -> Iterator[_Draft]:
    """Drafts of flows that are gone, as long as their files are there.

    A companion that its flow has no more was never more than a part of that: its draft goes with it.
    """
    alive = {flow.db_slug for flow in analysis.flows}
    for entry in ledger.drafts:
        owner = flow_of(entry.flow) or entry.flow
        if owner not in alive and entry.name in target.folder.names:
            yield _Draft(entry, None)


def _wanted(ledger: Ledger, rendered: Rendered, target: MigrationTarget) -> Iterator[_Draft]:
    """The draft each flow asks for: to create it, to change its options, or none."""
    orphans = {(it.flow, it.purpose): it.name for it in target.folder.orphans(ledger)}
    family = Families(rendered.analysis.flows)
    for migrated in rendered.migrated():
        flow, slug, summary = migrated.flow, migrated.slug, migrated.summary
        draft, base = ledger.draft(slug), ledger.shipped(slug)
        shape = summary.structure
        if base is not None and base.structure != shape:
            if draft is not None:
                yield _Draft(draft, None)  # a finding of its own (401) says what is wrong with the flow
            continue
        purpose: Purpose = "create" if base is None else "alter"
        script: Script | None
        if base is not None:
            before = base.settings if migrated.is_companion else family.without_taken(flow, base.settings)
            script = _alter(migrated, before, rendered)
        elif migrated.is_companion:
            script = summary.script
        else:
            script = with_drops(summary.script, family.left_behind(flow, ledger))
        if script is None:
            continue
        name = orphans.get((slug, purpose), _UNNAMED)
        after = _after(name, target)
        if draft is not None:
            is_same = (draft.style, draft.purpose) == (target.style.name, purpose)
            name, after = (draft.name, draft.after) if is_same else (_UNNAMED, None)
        yield _Draft(_entry(migrated, name, purpose, target.style, after), script)


def _alter(migrated: Migrated, before: Mapping[str, Json], rendered: Rendered) -> Script | None:
    if alike(dict(before), migrated.summary.settings):
        return None
    types = rendered.analysis.types_of(migrated.flow)
    return alter_script(migrated.spec(types), types, before)


def _after(name: str, target: MigrationTarget) -> str | None:
    """What a forgotten file says it follows."""
    if name == _UNNAMED or not target.style.is_chained:
        return None
    node = target.style.node(name, target.folder.text(name), target.app)
    return min(node.after, default=None) if node is not None else None


def _entry(migrated: Migrated, name: str, purpose: Purpose, style: Style, after: str | None) -> Entry:
    shape, settings = migrated.summary.structure, migrated.summary.settings
    return Entry(name, migrated.slug, purpose, style.name, "", False, shape, settings, after)


def _strangers(ledger: Ledger, drafts: list[_Draft], target: MigrationTarget) -> dict[str, Node]:
    """Other people's files in the chain; empty for styles without one."""
    if not target.style.is_chained:
        return {}
    adopted = {draft.entry.name for draft in drafts}
    nodes: dict[str, Node] = {}
    for name in target.folder.strangers(ledger):
        node = target.style.node(name, target.folder.text(name), target.app)
        if node is not None and name not in adopted:
            nodes[name] = node
    return nodes


def _pinned(drafts: list[_Draft], strangers: dict[str, Node]) -> set[str]:
    """Links that other people's files follow, and what stands before those."""
    before = {draft.entry.link: draft.entry.after for draft in drafts if draft.is_named}
    found: set[str] = set()
    waiting = [link for node in strangers.values() for link in node.after]
    while waiting:
        link = waiting.pop()
        if link in before and link not in found:
            found.add(link)
            waiting += [after] if (after := before[link]) is not None else []
    return found


def _is_movable(draft: _Draft, pinned: set[str]) -> bool:
    return draft.is_named and draft.script is not None and draft.entry.link not in pinned


def _name(
    movable: list[_Draft], unnamed: list[_Draft], last: int, target: MigrationTarget, *, renumber: bool
) -> None:
    """Names for those without; with ``renumber`` also for those that do not stand behind ``last``."""
    if not renumber:
        last = max([last, *(draft.entry.prefix for draft in movable)])
    numbers = Numbering(last, target.now, stamped=target.style.is_stamped)
    for draft in movable if renumber else ():
        if draft.entry.prefix > numbers.last:
            numbers.last = draft.entry.prefix
        else:
            _rename(draft, numbers, target.style)
    for draft in unnamed:
        _rename(draft, numbers, target.style)


def _rename(draft: _Draft, numbers: Numbering, style: Style) -> None:
    name = style.file_name(numbers.following(), draft.entry.purpose, draft.entry.flow)
    draft.entry = replace(draft.entry, name=name)


def _link(drafts: list[_Draft], kept: list[Entry], strangers: dict[str, Node]) -> None:
    """Hang the drafts one after the other at the end of what is kept."""
    if not drafts:
        return
    nodes = {entry.name: _node(entry) for entry in kept} | strangers
    after = end(nodes)
    for draft in drafts:
        draft.entry = replace(draft.entry, after=after)
        after = draft.entry.link


def _relink(ledger: Ledger, drafts: list[_Draft], strangers: dict[str, Node]) -> None:
    """Close the gaps that drafts leave which are asked for no more."""
    wanted = {draft.entry.link for draft in drafts}
    gone = {entry.link: entry for entry in ledger.drafts if entry.link not in wanted}
    for node in strangers.values():
        for link in sorted(node.after & gone.keys()):
            raise WriteError(
                f"{gone[link].name} is not needed any more, but {node.name} follows it",
                help=f"let {node.name} follow {gone[link].after!r} instead, then build again",
            )
    for draft in drafts:
        after = draft.entry.after
        while after in gone:
            after = gone[after].after
        if after != draft.entry.after and draft.script is not None:
            draft.entry = replace(draft.entry, after=after)


def _node(entry: Entry) -> Node:
    return Node(entry.name, entry.link, frozenset([entry.after] if entry.after is not None else []))

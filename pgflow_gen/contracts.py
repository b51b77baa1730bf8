"""A flow's contract without a build: what ``generated/`` says where it is current, else what the source says.

The runtime's test kit asks for it, by import string: so a test needs no build. Nothing is written but caches.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pgflow_gen.config import Config, ConfigError, load_config
from pgflow_gen.incremental.fingerprint import BuildRecord
from pgflow_gen.pipeline import BuildReport, check
from pgflow_gen.source.files.discover import discover
from pgflow_shared.companions import flow_of
from pgflow_shared.project import SCHEMAS, Unusable, contract_files
from pgflow_shared.system.files import read_text


def read_contract(start: Path, module: Path, db_slug: str) -> dict[str, Any]:
    """The contract of the flow ``db_slug`` that stands in the file ``module``, as in ``generated/schemas``.

    It may be a companion of a flow there.

    The project is the one that ``start`` lies in.

    Raises:
        Unusable: there is no such flow, it has faults, or the project's configuration has.
    """
    try:
        config = load_config(start)
        contract = None
        if BuildRecord(config).outcome(verify=False) is not None:
            contract = _built(config, db_slug)
        elif _is_among_flows(module, config):
            contract = _read(check(config, verify=False), config, db_slug)
        if contract is None:  # in no folder of flows: in a module of the tests, say
            contract = _read(check(config, verify=False, only=module), config, db_slug)
    except ConfigError as error:
        raise Unusable(error.message, error.help) from error
    if contract is None:
        raise Unusable(
            f"the compiler finds no flow {db_slug!r} in {os.path.relpath(module)}",
            "define it at the top level of a module: name = Flow[Input](...)",
        )
    return contract


def _is_among_flows(module: Path, config: Config) -> bool:
    try:
        return module in discover(config)
    except ConfigError:  # the folder of flows is yet to be made
        return False


def _built(config: Config, db_slug: str) -> dict[str, Any] | None:
    for path in contract_files(config.root / config.out / SCHEMAS):
        document: dict[str, Any] = json.loads(read_text(path))
        if document["x-pgflow"]["slug"] == db_slug:
            return document
    return None


def _read(report: BuildReport, config: Config, db_slug: str) -> dict[str, Any] | None:
    from pgflow_gen.render import render_flow_files

    owner = flow_of(db_slug) or db_slug
    for flow in report.analysis.flows:
        if flow.db_slug != owner:
            continue
        if flow not in report.sound:
            raise Unusable(
                f"the flow {owner!r} has faults:\n\n" + "\n\n".join(_faults(report)),
                "`pgflow-gen check` shows them all",
            )
        (files,) = render_flow_files(replace(report.analysis, flows=(flow,)), config).values()
        assert files.contents is not None
        texts = (data for path, data in files.contents.items() if path.startswith(f"{SCHEMAS}/"))
        documents: Iterator[dict[str, Any]] = map(json.loads, texts)
        return next((it for it in documents if it["x-pgflow"]["slug"] == db_slug), None)
    if report.has_errors and not report.analysis.flows:
        raise Unusable("the flows cannot be read:\n\n" + "\n\n".join(_faults(report)))
    return None


def _faults(report: BuildReport) -> Iterator[str]:
    from pgflow_gen.report.text import as_text

    for item in report.diagnostics:
        if item.severity == "error":
            yield as_text(item, report.sources)

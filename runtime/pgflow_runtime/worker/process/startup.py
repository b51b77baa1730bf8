"""What a worker checks and prepares before it takes tasks."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import psycopg

from pgflow_runtime import secrets
from pgflow_runtime.contract import slugs_in
from pgflow_runtime.contract.boundary import decode
from pgflow_runtime.contract.versions import STRANDED, STRANDED_HELP, stranded
from pgflow_runtime.database import arrays
from pgflow_runtime.database.store import check_core_version, from_psycopg
from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.registry import RegisteredFlow
from pgflow_runtime.telemetry import tracing
from pgflow_runtime.worker.dispatch.core_connection import CoreConnection
from pgflow_runtime.worker.dispatch.served import ServedFlow, ServedFlows
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.process.definition import demand_same_structure, setting_differences
from pgflow_runtime.worker.process.presets import demand_presets
from pgflow_runtime.worker.protocol.statements import (
    CORE_VERSION,
    DEFINITION,
    NOTE_INPUT_READERS,
    REGISTER,
    TRACK,
)
from pgflow_runtime.worker.tasks.binding import BoundCompanionStep, BoundStep
from pgflow_runtime.worker.tasks.connections import HandlerConnections
from pgflow_runtime.worker.tasks.inputs import RunInputs
from pgflow_runtime.worker.tasks.task import TaskEnvironment
from pgflow_runtime.worker_config import WorkerConfig


def bind(flows: Sequence[RegisteredFlow], config: WorkerConfig) -> ServedFlows:
    """The flows and their companions, handlers bound to contracts, for this process. Raises UsageError."""
    secrets.learn()
    demand_presets(flows)
    details = {"host": socket.gethostname(), "pid": os.getpid(), "slots": config.max_concurrent}
    served = [_bind_one(item) for flow in flows for item in (flow, *flow.companions)]
    return ServedFlows(served, config.name, details)


def make_task_environment(
    conninfo: str, config: WorkerConfig, flows: ServedFlows, shutdown: Shutdown, inputs: RunInputs
) -> TaskEnvironment:
    """What the tasks share; handlers' connections are divided between sync and async handlers."""
    asking = [
        step.is_async
        for flow in flows.all
        for step in flow.steps.values()
        if step.wants_context or step.is_transactional
    ]
    most = config.handler_connections
    is_mixed = len(set(asking)) > 1
    sync_most = most // 2 if is_mixed else most
    connections = HandlerConnections(
        conninfo, sync_most, most - sync_most if is_mixed else most, prepare=not config.poll_only
    )
    env = MappingProxyType(dict(os.environ))
    return TaskEnvironment(config, env, shutdown, inputs, connections, tracing())


async def check_database(connection: CoreConnection, flows: ServedFlows) -> None:
    """Refuse a database without the core, with another version of it, or whose flows differ from ours.

    Options that differ are only warned about; which steps read the run's input is told to the database.

    Raises:
        PgflowError: CoreMissing, CoreTooOld, CoreTooNew, UnknownFlow, ShapeMismatch...
    """
    try:
        check_core_version(*(await connection.call(CORE_VERSION))[0])
        for flow in flows.all:
            (row,) = await connection.call(f"{DEFINITION}::text", (flow.slug,))
            definition = None if row[0] is None else decode(row[0])
            demand_same_structure(flow.contract, definition)
            for difference in setting_differences(flow.contract, definition or {}):
                logger.warning(
                    "flow %s: %s; `pgflow-gen migrate` brings it up to date", flow.slug, difference
                )
            await _note_input_readers(connection, flow, definition or {})
        await _tell_stranded(connection, flows)
    except psycopg.Error as error:
        raise from_psycopg(error) from error


async def _note_input_readers(
    connection: CoreConnection, flow: ServedFlow, definition: Mapping[str, Any]
) -> None:
    """Forks ask the database which steps read the run's input; only their programs know."""
    reads = {slug: step.may_read_flow_input for slug, step in flow.contract.steps.items()}
    if definition.get("reads_input") != reads:
        await connection.call(NOTE_INPUT_READERS, (flow.slug, json.dumps(reads)))


async def _tell_stranded(connection: CoreConnection, flows: ServedFlows) -> None:
    """Warn of open runs of versions that neither this project has nor any worker serves."""
    known = {flow.slug for flow in flows.all}
    for flow in flows.all:
        known.update(slugs_in(flow.contract.path.parent))
    for slug, open_count in await connection.call(STRANDED, (arrays.slugs(sorted(known)),)):
        logger.warning("%s; %s", stranded(str(slug), int(open_count), known), STRANDED_HELP)


async def register(connection: CoreConnection, flows: ServedFlows, config: WorkerConfig) -> None:
    """Enter this worker in ``pgflow.workers``, once per flow, and where it can be started from outside."""
    try:
        for flow in flows.all:
            await connection.call(REGISTER, flows.registration(flow))
        if config.restart_url:
            await connection.call(TRACK, (config.name, config.restart_url))
    except psycopg.Error as error:
        raise from_psycopg(error) from error


def _bind_one(item: RegisteredFlow) -> ServedFlow:
    bound = BoundStep if item.contract.companion_of is None else BoundCompanionStep
    steps = {
        slug: bound(item.contract, step, item.flow.steps[slug].handler, item.flow.context_type)
        for slug, step in item.contract.steps.items()
        if step.has_handler
    }
    return ServedFlow(item.contract, steps)

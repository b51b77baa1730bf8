"""Every public function with arguments that are not sensible: refused in words of ours, or answered."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg

from tests.support.batch import claim, register
from tests.support.core import Core

MOST = 2**31 - 1
ODD: dict[str, list[str]] = {
    "integer": ["null", "0", "-1", "1", str(MOST), str(-MOST - 1)],
    "numeric": ["null", "0", "-1", "'NaN'", "'Infinity'", "'-Infinity'", "1e130000", "1e-1000"],
    "boolean": ["null", "true", "false"],
    "uuid": [
        "null", "'00000000-0000-0000-0000-000000000000'",
        "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    ],
    "text": [
        "null", "''", "'nobody'", "'run'", "'*'", "'% %s %1$I $1 {} \\'", "'a''b\"c;--'",
        "repeat('x', 1000000)", "'null'", "chr(8364)", "'pg_class'", "'q_f'", "'f.a'",
    ],
    "jsonb": [
        "null", "'null'", "'{}'", "'[]'", "'1'", "'\"x\"'", "'[null, [], {}]'", "'{\"steps\": 1}'",
        "'{\"steps\": [1, null, {}]}'",
        "'{\"steps\": [{\"slug\": \"a\", \"dependencies\": 1}]}'", "'{\"steps\": [{\"slug\": {}}]}'",
        "'{\"steps\": [], \"options\": {\"timeout\": \"x\"}}'",
        "'{\"steps\": [], \"options\": {\"timeout\": 1e40}}'",
        "'{\"run_timeout\": 1e400}'", "'{\"run_timeout\": \"1\"}'", "'{\"reads_input\": 1}'",
        "'{\"status\": {}, \"flow\": 1}'", "'{\"status\": [1, null]}'", "'{\"started_after\": \"soon\"}'",
        "'{\"flow\": \"f\", \"started_after\": \"infinity\", \"error_key\": \"\"}'",
        "'{\"begins_at\": 1e400}'", "'{\"begins_at\": \"9999-99-99T00:00:00Z\"}'", "'{\"kind\": {}}'",
        "'{\"kind\": \"signal\", \"deadline\": 1e400}'", "'{\"kind\": \"signal\", \"key\": [null]}'",
        "'{\"kind\": \"subflow\", \"subflow\": 1}'", "'{\"kind\": \"subflow\", \"max_depth\": 1e400}'",
        "'{\"kind\": \"sleep\", \"until\": \"x\"}'", "'{\"kind\": \"sleep\", \"seconds\": 0.5}'",
        "'{\"x\": {\"x\": 1e400}}'", "to_jsonb(repeat('x', 1000000))",
        "(repeat('[', 900) || repeat(']', 900))::jsonb",
    ],
    "interval": [
        "null", "'0'", "'-1 day'", "'178000000 years'", "'-178000000 years'", "'1 microsecond'",
        "'10000 years'",
    ],
    "timestamp with time zone": [
        "null", "'infinity'", "'-infinity'", "'294276-12-31'", "'4713-01-01 BC'", "'1970-01-01'",
    ],
}  # fmt: skip
ODD["bigint"] = [*ODD["integer"], str(2**63 - 1), str(-(2**63))]
ODD["double precision"] = ODD["numeric"][:6]
for element in ("uuid", "text", "integer", "bigint", "jsonb", "boolean"):
    one = ODD[element][1]
    ODD[f"{element}[]"] = [
        "null",
        "'{}'",
        f"array[null]::{element}[]",
        f"array[null, null]::{element}[]",
        f"array_fill(null::{element}, array[100000])",
        f"array[array[{one}, {one}], array[{one}, {one}]]::{element}[]",
        f"array_fill({one}::{element}, array[1], array[7])",
        *(f"array[{value}]::{element}[]" for value in ODD[element]),
    ]
LATER_VERSIONS = {"18": ["'infinity'", "'-infinity'"]}
"""PostgreSQL 17 and later know infinite intervals."""

REFUSED = ("PF", "P0001", "23")
"""Words of the core's own, and its tables' named constraints."""
OF_THE_CONTRACT = {("set_vt_batch", "queue_name"): "42P01"}
PATIENT = {"read_with_poll": "100ms"}
"""It waits for messages, as long as it is told to: that it still does after this time is an answer."""
CANCELED = "57014"


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str


def public_functions(core: Core) -> dict[str, list[Parameter]]:
    """Name and input parameters of each function that is no trigger and not internal."""
    found: dict[str, list[Parameter]] = {}
    for row in core.rows(
        """select p.proname as name, a.name as parameter, format_type(a.type, null) as type
           from pg_proc p
           left join lateral (
             select n.name, t.type, t.place
             from unnest(p.proargtypes::oid[]) with ordinality t(type, place)
             join unnest(p.proargnames) with ordinality n(name, place) on n.place = t.place
           ) a on true
           where p.pronamespace = 'pgflow'::regnamespace and p.proname !~ '^_' and p.prokind = 'f'
           order by p.proname, a.place"""
    ):
        found.setdefault(row.name, [])
        if row.parameter is not None:
            found[row.name].append(Parameter(row.parameter, row.type))
    return found


def usual(core: Core) -> dict[str, str]:
    """For each parameter's name an argument as it should be, about things that are there."""
    core.flow("f", "a", "b < a", "m:map < a")
    core.flow("g", "s")
    run_id: UUID = core.start_flow("f", {"x": 1}).run_id
    worker = register(core, "f")
    (task,) = claim(core, (worker, "f"))
    ended: UUID = core.start_flow("g", 1).run_id
    core.work("g", 2)
    core.start_flow("g", 3)
    messages = [message.msg_id for message in core.queue("g")]
    run, id = f"'{run_id}'", f"'{worker}'"
    return {
        "flow_slug": "'f'", "p_flow_slug": "'f'", "only_flow": "'f'", "queue_name": "'g'", "step_slug": "'a'",
        "slug": "'a'", "only_step": "'a'", "run_id": run, "run_ids": f"array[{run}]::uuid[]",
        "worker_id": id, "worker_ids": f"array[{id}]::uuid[]", "flow_slugs": "array['f']",
        "step_slugs": "array['a']", "task_index": "0", "task_indexes": "array[0]",
        "attempts": f"array[{task.attempt}]", "outputs": "array['1']::jsonb[]", "output": "'1'",
        "error_message": "'boom'", "error_messages": "array['boom']", "retryable": "array[true]",
        "retry_after": "array[1]", "max_tasks": "5", "visibility_timeout": "2", "max_bytes": "1000",
        "max_chars": "100",
        "hand_over": "1", "flow_input_steps": "'{}'", "msg_ids": f"array{messages}::bigint[]",
        "vt_offsets": f"array{[1] * len(messages)}::int[]", "input": "'1'", "inputs": "array['1']::jsonb[]",
        "trace_contexts": "null", "known": "'{}'", "max_runs": "10", "max_workers": "10", "max_scanned": "10",
        "seconds": "5",
        "watcher_id": f"'{uuid4()}'", "ended": f"'{ended}'", "retention_interval": "'1 day'",
        "recent": "'1 hour'", "part_count": "5", "from_index": "0", "vt": "1", "qty": "1",
        "max_poll_seconds": "60", "poll_interval_ms": "10", "conditional": "'{}'", "deps_slugs": "'{}'",
        "base_delay": "1", "attempts_count": "1", "timeout": "5", "max_attempts": "2", "max_delay": "5",
        "start_delay": "1", "options": "'{}'", "backoff": "'fixed'", "step_type": "'single'",
        "required_input_pattern": "null",
        "forbidden_input_pattern": "null", "when_unmet": "'skip'", "when_exhausted": "'fail'",
        "only_status": "'started'", "since": "null", "until": "null", "before_at": "null",
        "before_id": "null", "served": "array['f']", "in_input": "'1'", "input_contains": "'1'",
        "id_from": run,
        "id_below": "null", "only_error": "null",
        "only_those": "'failed'", "skip": "0", "max_count": "5", "reads_input": "'{}'",
        "parent_id": run, "after_task_index": "null", "after_attempt": "null",
        "spread": "0", "max_groups": "10",
        "shape": "'{\"steps\": []}'", "allow_data_loss": "true", "function_name": "'w'",
        "url": "'http://127.0.0.1:8080/f'",
        "only_run": run, "max_actions": "10",
        "from_steps": "array['a']", "new_run_id": "null", "details": "'{}'", "filter": "'{}'",
        "action": "'cancel'", "after_id": "null",
        "reason": "'no longer wanted'", "actor": "'ann'",
        "payloads": "array['1']::jsonb[]", "payload": "'1'", "key": "'k'", "dedupe": "'m'",
        "dedupes": "array['m']", "states": "array['1']::jsonb[]", "delays_ms": "array[0]",
        "schedule_slug": "'s'", "spec": "'{\"every\": 60, \"timezone\": \"UTC\"}'",
        "after_since": "null", "after_run_id": "null", "after_step_slug": "null",
        "cron_interval": "'1 second'", "retention_hours": "24", "skip_reason": "'handler_failed'",
    }  # fmt: skip


def faults_of(core: Core, function: str, parameters: list[Parameter], known: dict[str, str]) -> list[str]:
    """What was answered by anything but words, or by no answer within seconds."""
    version = core.value("show server_version_num")[:2]
    found = []
    for odd in parameters:
        values = ODD[odd.type] + (LATER_VERSIONS.get(version, []) if odd.type == "interval" else [])
        for value in values:
            arguments = ", ".join(
                f"{p.name} => ({value if p is odd else known[p.name]})::{p.type}" for p in parameters
            )
            call = f"select count(*) from (select * from pgflow.{function}({arguments}) offset 0) t"
            try:
                with core.connection.transaction(force_rollback=True):
                    core.run_sql(f"set local statement_timeout = '{PATIENT.get(function, '60s')}'")
                    core.run_sql(call.replace("%", "%%"), {"unused": 1})
            except psycopg.Error as error:
                state = error.sqlstate or ""
                if state.startswith(REFUSED) or state == OF_THE_CONTRACT.get((function, odd.name)):
                    continue
                if state == CANCELED and function in PATIENT:
                    continue
                found.append(
                    f"{function}({odd.name} => {value[:60]}): {state} {str(error).splitlines()[0][:90]}"
                )
    return found


def test_every_parameter_has_odd_values(core: Core) -> None:
    known = usual(core)
    missing = [
        f"{function}: {parameter.name} {parameter.type}"
        for function, parameters in public_functions(core).items()
        for parameter in parameters
        if parameter.name not in known or parameter.type not in ODD
    ]
    assert missing == []


def test_odd_arguments_are_answered_or_refused_in_words(core: Core) -> None:
    known = usual(core)
    faults = [
        fault
        for function, parameters in public_functions(core).items()
        for fault in faults_of(core, function, parameters, known)
    ]
    assert not faults, "\n".join(faults)

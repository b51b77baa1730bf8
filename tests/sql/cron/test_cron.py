"""The functions that make cron jobs, and the clean-up (specification/core.md, "Life and recovery")."""

from __future__ import annotations

from tests.support.core import Core


def jobs(core: Core) -> dict[str, tuple[str, str]]:
    rows = core.rows("select * from cron.job")
    found = {row.jobname: (row.schedule, row.command) for row in rows}
    assert len(found) == len(rows)
    return found


def test_requeue_job(core: Core) -> None:
    assert core.value("select pgflow.setup_requeue_stalled_tasks_cron()") is not None
    assert jobs(core)["pgflow_requeue_stalled_tasks"][0] == "15 seconds"
    assert (
        core.value("select pgflow.setup_requeue_stalled_tasks_cron(cron_interval => '1 minute')") is not None
    )
    schedule, command = jobs(core)["pgflow_requeue_stalled_tasks"]
    assert schedule == "1 minute"
    assert "requeue_stalled_tasks" in command
    core.run_sql(command)


def test_worker_jobs(core: Core) -> None:
    assert "pgflow_ensure_workers" in core.value("select pgflow.setup_ensure_workers_cron()")
    assert "pgflow_ensure_workers" in core.value(
        "select pgflow.setup_ensure_workers_cron(cron_interval => '5 seconds')"
    )
    found = jobs(core)
    schedule, command = found["pgflow_ensure_workers"]
    assert schedule == "5 seconds"
    assert "pgflow.ensure_workers()" in command
    core.run_sql(command)
    schedule, command = found["pgflow_cleanup_logs"]
    assert schedule == "0 * * * *"
    assert "pgflow.cleanup_ensure_workers_logs()" in command
    core.run_sql(command)


def test_clean_up(core: Core) -> None:
    core.run_sql(
        """insert into cron.job_run_details (end_time)
           select now() - make_interval(hours => h) from unnest(array[1, 23, 25, 100]) h"""
    )
    assert core.row("select * from pgflow.cleanup_ensure_workers_logs()").cron_deleted == 2
    assert (
        core.row("select * from pgflow.cleanup_ensure_workers_logs(retention_hours => 2)").cron_deleted == 1
    )
    assert core.value("select count(*) from cron.job_run_details") == 1
    assert core.row("select * from pgflow.cleanup_ensure_workers_logs()").cron_deleted == 0


def test_without_what_they_need_they_can_be_created(plain_database_dsn: str) -> None:
    """On a server outside Supabase the core installs; only calling these functions is an error."""
    from tests.support.core import connect

    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        found = core.rows(
            """select proname from pg_proc where pronamespace = 'pgflow'::regnamespace and proname in
               ('ensure_workers', 'setup_ensure_workers_cron', 'setup_requeue_stalled_tasks_cron')"""
        )
        assert len(found) == 3
        with core.refused():
            core.value("select pgflow.setup_ensure_workers_cron()")


OLD_PG_CRON = """
create or replace function cron.schedule(job_name text, schedule text, command text) returns bigint
language plpgsql as $$
begin
  if schedule !~ '^\\S+( \\S+){4}$' then
    raise exception 'invalid schedule: %', schedule using errcode = 'invalid_parameter_value';
  end if;
  insert into cron.job (jobname, schedule, command) values ($1, $2, $3);
  return 1;
end;
$$
"""


def test_a_pg_cron_that_knows_no_seconds(core: Core) -> None:
    core.run_sql(OLD_PG_CRON)
    with core.refused(match='(?s)the schedule "1 second": it knows no seconds.*pg_cron to 1.5 or later'):
        core.value("select pgflow.setup_ensure_workers_cron()")
    with core.refused(match='"15 seconds": it knows no seconds'):
        core.value("select pgflow.setup_requeue_stalled_tasks_cron()")
    with core.refused(match="invalid schedule: nonsense"):
        core.value("select pgflow.setup_ensure_workers_cron('nonsense')")
    assert core.value("select pgflow.setup_ensure_workers_cron('* * * * *')") is not None

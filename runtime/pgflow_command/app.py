"""The group ``pgflow-gen``: its options, its help, and where its commands live."""

from __future__ import annotations

import click

from pgflow_command.lazy import LazyCommand, LazyGroup
from pgflow_command.options import debug_option, project_option, quiet_option, verbose_option
from pgflow_shared.distribution import installed

_WRITE, _RUN, _SHELL = "Write flows", "Run flows (these talk to a database)", "Your shell"

# The database commands are the runtime's; it is not imported before one of them is run.
COMMANDS = {
    "init": LazyCommand(
        "pgflow_gen.cli.init.command:init", "Set a project up: one flow, its test, the hooks.", _WRITE
    ),
    "build": LazyCommand(
        "pgflow_gen.cli.build:build", "Check all flows and write the generated files.", _WRITE
    ),
    "release": LazyCommand("pgflow_gen.cli.release:release", "Mark draft migrations as shipped.", _WRITE),
    "check": LazyCommand("pgflow_gen.cli.check:check", "Check all flows; write nothing.", _WRITE),
    "compile": LazyCommand("pgflow_gen.cli.compile:compile_", "Print the SQL of one flow module.", _WRITE),
    "graph": LazyCommand("pgflow_gen.cli.graph:graph", "Print a flow's DAG as a picture.", _WRITE),
    "explain": LazyCommand(
        "pgflow_gen.cli.explain:explain", "Explain a diagnostic code, or list them all.", _WRITE
    ),
    "config-schema": LazyCommand(
        "pgflow_gen.cli.config_schema:config_schema", "Print the JSON Schema of the configuration.", _WRITE
    ),
    "completion": LazyCommand(
        "pgflow_command.completion:completion", "Print a shell's completion script.", _SHELL
    ),
    "migrate": LazyCommand(
        "pgflow_runtime.cli.migrate:migrate", "Apply the core's and the flows' migrations.", _RUN
    ),
    "install": LazyCommand(
        "pgflow_runtime.cli.install:install", "Copy the core's migrations into a folder of yours.", _RUN
    ),
    "dev": LazyCommand("pgflow_gen.dev.command:dev", "Build, migrate and work while you write.", _RUN),
    "worker": LazyCommand("pgflow_runtime.cli.worker:worker", "Run the handlers of flows.", _RUN),
    "start": LazyCommand("pgflow_runtime.cli.start:start", "Start a run of a flow.", _RUN),
    "runs": LazyCommand(
        "pgflow_runtime.cli.runs.command:runs",
        "Look at runs, answer those that wait, cancel, retry, export.",
        _RUN,
    ),
    "replay": LazyCommand(
        "pgflow_runtime.cli.replay:replay_command", "Call today's handlers on what was recorded.", _RUN
    ),
    "flows": LazyCommand("pgflow_runtime.cli.flows:flows", "Pause flows, and let them go on.", _RUN),
    "schedules": LazyCommand(
        "pgflow_runtime.cli.schedules:schedules",
        "See, pause and fire schedules: runs that start by the clock.",
        _RUN,
    ),
    "dashboard": LazyCommand(
        "pgflow_runtime.cli.dashboard:dashboard", "Show runs, flows and workers in the browser.", _RUN
    ),
    "doctor": LazyCommand("pgflow_runtime.cli.doctor:doctor", "Examine a database; say what to do.", _RUN),
    "prune": LazyCommand("pgflow_runtime.cli.prune:prune", "Delete runs that ended long ago.", _RUN),
}


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version(installed())
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"{installed()} {number}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\
\b
Examples:
  pgflow-gen build                       check the flows, write generated/
  pgflow-gen build --check               exit 1 when generated/ is stale (for CI)
  pgflow-gen explain PGF303              what a diagnostic means, with examples
  pgflow-gen migrate                     bring the database up to date
  pgflow-gen worker flows.crawl:crawl    run the handlers of a flow
  pgflow-gen start crawl '{"urls": []}'  start a run

'pgflow-gen COMMAND --help' tells more about each. Exit codes: 0 clean, 1 findings, 2 usage or internal
error.""",
)
@click.option(
    "-V", "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version,
    help="Print the version and exit.",
)  # fmt: skip
@project_option
@quiet_option
@verbose_option
@debug_option
def app() -> None:
    """Typed workflows on the PostgreSQL you already run.

    You write a flow as plain typed Python functions. 'build' reads the source (it never imports it; only
    mypy's plugins run, see --no-plugins), proves the DAG and its types, and writes SQL migrations and a
    typed client; 'worker' runs the handlers.
    """

"""This project's flows against the database's: migrations, steps, settings; and flows without a source."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.contract.versions import STRANDED_HELP, relative
from pgflow_runtime.doctor.finding import Finding, note, ok, problem, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_runtime.errors import ShapeMismatch, UnknownFlow
from pgflow_runtime.migrate.files import read_flow_migrations
from pgflow_runtime.worker.process.definition import demand_same_structure, setting_differences
from pgflow_shared.project import contract_files
from pgflow_shared.styles import chained_styles
from pgflow_shared.text import counted


def check_flow_migrations(inspection: Inspection) -> Iterator[Finding]:
    project = inspection.project
    if project.style in chained_styles():
        yield note("flows.migrations", f"the flows' migrations are applied by {project.style}")
        return
    files = read_flow_migrations(project.migrations, project.style)
    done = {
        row["name"]: row["digest"]
        for row in inspection.rows("select name, digest from pgflow.migrations where kind = 'flow'")
    }
    missing = [file.name for file in files if file.name not in done]
    changed = [file.name for file in files if done.get(file.name, file.digest) != file.digest]
    if missing:
        yield problem("flows.migrations", f"not applied: {', '.join(missing)}", "run `pgflow-gen migrate`")
    if changed:
        yield problem(
            "flows.migrations",
            f"applied with another content: {', '.join(changed)}",
            "restore these files and give what changed a new version; in a database for development"
            " `pgflow-gen migrate --development`",
        )
    if files and not missing and not changed:
        yield ok("flows.migrations", f"{counted(len(files), 'flow migration')}, all applied")


def check_flow_shapes(inspection: Inspection) -> Iterator[Finding]:
    contracts = list(_contracts(inspection))
    if not contracts:
        yield note("flows.missing", f"no flows of a project to compare with in {inspection.project.out}")
        return
    same = 0
    for contract in contracts:
        found = list(_compare(inspection, contract))
        same += not found
        yield from found
    if same:
        yield ok("flows.shape", f"{counted(same, 'flow')} of this project as the database has them")


def check_foreign_flows(inspection: Inspection) -> Iterator[Finding]:
    """Flows that this project does not have: other projects', or old versions whose source is gone."""
    known = known_slugs(inspection)
    if not known:
        return
    rows = inspection.rows(
        """
        select f.flow_slug, count(r.run_id) as open_count
        from pgflow.flows f
        left join pgflow.runs r on r.flow_slug = f.flow_slug and r.status = 'started'
        where f.flow_slug <> all (%s)
        group by f.flow_slug
        order by f.flow_slug
        """,
        [known],
    )
    for row in rows:
        slug, count = row["flow_slug"], row["open_count"]
        runs = counted(count, "open run") if count else "no open runs"
        kin = relative(slug, known)
        if kin is None:
            yield note("flows.foreign", f"flow '{slug}' is not of this project; it has {runs}")
        elif count:
            yield warning("flows.foreign", f"flow '{slug}' is {kin}; it has {runs}", STRANDED_HELP)
        else:
            yield note("flows.foreign", f"flow '{slug}' is {kin}; it has {runs}")


def known_slugs(inspection: Inspection) -> list[str]:
    """The flows of this project, as the database calls them."""
    return [contract.slug for contract in _contracts(inspection)]


def _contracts(inspection: Inspection) -> Iterator[FlowContract]:
    for path in contract_files(inspection.project.schemas):
        yield FlowContract.load(path)


def _compare(inspection: Inspection, contract: FlowContract) -> Iterator[Finding]:
    row = inspection.row(
        "select pgflow.get_flow_definition(%(flow_slug)s) as definition", {"flow_slug": contract.slug}
    )
    definition = row["definition"]
    try:
        demand_same_structure(contract, definition)
    except UnknownFlow as error:
        yield problem("flows.missing", error.message, error.help or "")
        return
    except ShapeMismatch as error:
        yield problem("flows.shape", error.message, error.help or "")
        return
    differences = list(setting_differences(contract, definition))
    if differences:
        yield warning(
            "flows.settings",
            f"flow '{contract.slug}': {'; '.join(differences)}",
            "the database's hold; `pgflow-gen migrate` brings it up to date",
        )

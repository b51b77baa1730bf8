"""The flows of a project by name, from its generated contracts."""

from __future__ import annotations

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.project import Project
from pgflow_shared.project import contract_files
from pgflow_shared.text import closest


def find_contract(project: Project, name: str) -> FlowContract:
    """The contract of a flow.

    ``name`` is what clients call it (``crawl`` is the highest version, ``crawl_v1`` an older one), or its
    slug in the database. Raises UsageError with the nearest name, ProjectError when nothing was generated.
    """
    contracts = {path.stem: FlowContract(path) for path in contract_files(project.schemas)}
    if not contracts:
        raise ProjectError(
            f"there are no flows in {project.out}",
            help="run `pgflow-gen build`, or name the folder with --generated or PGFLOW_GENERATED",
        )
    if name in contracts:
        return contracts[name]
    for contract in contracts.values():
        if contract.slug == name:
            return contract
    names = [stem for stem, contract in contracts.items() if contract.companion_of is None]
    near = closest(name, names)
    hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(names)}"
    raise UsageError(f"there is no flow '{name}' in {project.out}", help=hint)

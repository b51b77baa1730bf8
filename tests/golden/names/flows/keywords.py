"""Slugs that are keywords, and names that meet those of generated code."""

from typing import TypedDict

from pgflow_runtime import Flow


class Run(TypedDict):
    """Called like a class of the runtime."""

    number: int


class FetchOutput(TypedDict):
    """Called like the type of the step's output, which is a list of these."""

    text: str


class ClassInput(TypedDict):
    """The flow's input type is called as it would be anyway."""

    runs: list[Run]


_Inputs = TypedDict("_Inputs", {"import": list[Run], "list_": list[str]})

class_ = Flow[ClassInput]("class")


@class_.array(slug="import")
def import_(flow_input: ClassInput) -> list[Run]:
    return flow_input["runs"]


@class_.step(slug="list_")
def strings(flow_input: ClassInput) -> list[str]:
    return []


@class_.map(array=import_)
def fetch(run: Run) -> FetchOutput:
    return {"text": str(run["number"])}


@class_.step
def lambda_(input: _Inputs) -> int:
    return len(input["import"])


@class_.step(slug="_")
def underscore(lambda_: int) -> None:
    return None

"""A poll, and a loop that keeps a state of a type that nothing else mentions."""

from typing import TypedDict

from pgflow_runtime import Again, Context, Flow


class Plan(TypedDict):
    done: list[str]
    left: "list[Plan]"


agent = Flow[str]("agent")


@agent.loop(every=30, max_rounds=200, deadline=86_400, timeout=20)
async def delivered(flow_input: str, ctx: Context) -> Again[None] | bool:
    return True


@agent.loop(max_rounds=20, max_attempts=2, when_exhausted="skip")
def think(delivered: bool, state: Plan | None = None) -> Again[Plan] | list[str]:
    return Again({"done": [], "left": []}) if state is None else state["done"]


@agent.loop(slug="count", max_rounds=3, if_ran=["think"])
def counted(think: list[str], *, state: "float | None" = None) -> "Again[int] | None":
    return Again(len(think)) if state is None else None


@agent.map(array=think)
def said(word: str) -> str:
    return word

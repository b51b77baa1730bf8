from typing import Literal, NotRequired, TypedDict

from pgflow_runtime import FIRE_DATE, FIRE_TIME, Flow
from pgflow_runtime import FIRE_DATE as TODAY


class Page(TypedDict):
    number: int
    at: NotRequired[str]


class Report(TypedDict):
    day: str
    pages: list[Page]
    kind: Literal["long", "short"]
    scale: NotRequired[float | None]


report = Flow[Report]("report")
PAGES = [{"number": 1, "at": FIRE_TIME}]


@report.step
def write(flow_input: Report) -> str:
    return flow_input["day"]


report.schedule("fine", every=60, input={"day": TODAY, "pages": PAGES, "kind": "long", "scale": 1})
report.schedule("missing", every=60, input={"day": FIRE_DATE, "kind": "long"})
report.schedule("extra", every=60, input={"day": "", "pages": [], "kind": "long", "scal": 1})
report.schedule("literal", every=60, input={"day": "", "pages": [], "kind": "medium"})
report.schedule("inside", every=60, input={"day": "", "pages": [{"number": "1"}], "kind": "long"})
report.schedule("mark", every=60, input={"day": "", "pages": [{"number": FIRE_TIME}], "kind": "long"})
report.schedule("member", every=60, input={"day": "", "pages": [], "kind": "long", "scale": "big"})
report.schedule("no_object", every=60, input=[])
report.schedule("computed", every=60, input={"day": str(1), "pages": [], "kind": "long"})

"""Sum up a day's sales, region by region."""

from typing import TypedDict

from pgflow_runtime import Flow


class Sale(TypedDict):
    region: str
    cents: int


class Day(TypedDict):
    date: str
    sales: list[Sale]


class Region(TypedDict):
    name: str
    sales: int
    cents: int


class Summary(TypedDict):
    date: str
    best: str
    cents: int


sales = Flow[Day]("sales")


@sales.array
def by_region(flow_input: Day) -> list[list[Sale]]:
    names = sorted({sale["region"] for sale in flow_input["sales"]})
    return [[sale for sale in flow_input["sales"] if sale["region"] == name] for name in names]


@sales.map(array=by_region)
def region(rows: list[Sale]) -> Region:
    return {"name": rows[0]["region"], "sales": len(rows), "cents": sum(sale["cents"] for sale in rows)}


@sales.step
def summary(flow_input: Day, region: list[Region]) -> Summary:
    best = max(region, key=lambda found: found["cents"])
    return {
        "date": flow_input["date"],
        "best": best["name"],
        "cents": sum(found["cents"] for found in region),
    }

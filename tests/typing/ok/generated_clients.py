"""What the generated clients promise: inputs, outputs and steps with their own types."""

from typing import assert_type
from uuid import UUID

from generated.client import AsyncClient, Client
from generated.order_fulfilment import Shipment
from generated.stdlib_census import AsyncStdlibCensusRun, CensusInput, ModuleFacts, Report, StdlibCensusOutput


async def asynchronous(client: AsyncClient) -> None:
    run = await client.start_stdlib_census({"directory": "/usr/lib", "skip": ["tests"]})
    assert_type(run, AsyncStdlibCensusRun)
    assert_type(run.run_id, UUID)
    output = await run.result(timeout=60)
    assert_type(output, StdlibCensusOutput)
    assert_type(output["report"]["totals"]["files"], int)
    assert_type(await run.step("parse").wait_for("completed"), list[ModuleFacts])
    runs = await client.start_many_stdlib_census([CensusInput(directory="a"), {"directory": "b"}])
    assert_type(runs, list[AsyncStdlibCensusRun])
    again = await client.get_stdlib_census(run.run_id)
    assert_type(await again.result(), StdlibCensusOutput)


def synchronous(client: Client) -> None:
    run = client.start_stdlib_census({"directory": "/usr/lib"}, run_id=UUID(int=7))
    assert_type(run.result(timeout=60)["report"], Report)
    order = client.start_order_fulfilment({"order_id": "o", "lines": [], "unit_prices": {}})
    assert_type(order.result()["ship"], Shipment)
    assert_type(run.step("files").wait_for("completed"), list[str])

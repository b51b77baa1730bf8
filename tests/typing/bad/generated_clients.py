"""Wrong inputs, wrong keys of outputs, and steps that do not exist are refused where they are written."""

from generated.client import AsyncClient, Client


async def asynchronous(client: AsyncClient) -> None:
    await client.start_stdlib_census({"directory": 3})  # E
    await client.start_stdlib_census({"folder": "/usr/lib"})  # E
    await client.start_stdlib_census({})  # E
    await client.start_stdlib_census()  # E
    await client.start_stdlib_census({"directory": "/"}, "id")  # E
    await client.start_stdlib_census({"directory": "/"}, run_id="id")  # E
    await client.start_many_stdlib_census({"directory": "/"})  # E
    await client.start_census({"directory": "/"})  # E
    run = await client.start_stdlib_census({"directory": "/"})
    output = await run.result()
    print(output["totals"])  # E
    print(output["report"]["files"])  # E
    print(output["report"]["totals"]["files"] + "!")  # E
    run.step("prase")  # E
    sizes: list[str] = await run.step("largest").wait_for("completed")  # E
    print(sizes)


def synchronous(client: Client) -> None:
    client.start_link_check("README.md")  # E
    run = client.start_order_fulfilment({"order_id": 1, "lines": [], "unit_prices": {}})  # E
    print(run.result()["shipment"])  # E
    client.get_order_fulfilment("id")  # E

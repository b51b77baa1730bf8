"""Wrong payloads, signals that are not there, wrong options of schedules: refused where they are written."""

from generated.client import AsyncClient, Client
from pgflow_runtime.client import Conn


async def asynchronous(client: AsyncClient, conn: Conn) -> None:
    run = await client.start_expense_claim({"claim_id": "1", "amount": 7}, start_at="noon")  # E
    await run.send_decision({"approved": "yes", "by": "ann"})  # E
    await run.send_decision({"approved": True})  # E
    await run.send_decision({"approved": True, "by": "ann"}, conn=conn)  # E
    await run.send_payment({"paid": 1, "asked": 1})  # E
    run.signal_token("payment")  # E
    await client.send_expense_claim_decision(1.5, {"approved": True, "by": "ann"})  # E
    await client.waiting_for_expense_claim_payment()  # E
    await client.create_claims_of_week_schedule("mine", {"since": "today"}, every=60)  # E
    await client.create_claims_of_week_schedule("mine", {"until": "today"}, cron=60)  # E
    await client.create_claims_of_week_schedule("mine", {"until": "today"}, overlap="wait")  # E


def synchronous(client: Client) -> None:
    run = client.start_expense_claim({"claim_id": "1", "amount": 7})
    run.send_decision(None)  # E

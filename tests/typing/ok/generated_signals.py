"""What the generated clients promise of signals, schedules and later starts."""

from datetime import UTC, datetime
from typing import assert_type
from uuid import UUID

from generated.client import AsyncClient, Client
from generated.expense_claim import AsyncExpenseClaimRun, DecisionPayload
from pgflow_runtime import FIRE_DATE
from pgflow_runtime.client import AsyncConn, Conn, SignalOutcome, WaitingSignal

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


async def asynchronous(client: AsyncClient, conn: AsyncConn) -> None:
    run = await client.start_expense_claim({"claim_id": "1", "amount": 7}, start_at=NOON, conn=conn)
    assert_type(run, AsyncExpenseClaimRun)
    assert_type(run.begins_at, datetime | None)
    payload: DecisionPayload = {"approved": True, "by": "ann"}
    assert_type(await run.send_decision(payload, dedupe="click"), SignalOutcome)
    assert_type(
        await client.send_expense_claim_decision("1", {"approved": False, "by": "b"}, conn=conn),
        dict[UUID, SignalOutcome],
    )
    assert_type(await client.waiting_for_expense_claim_decision(), list[WaitingSignal])
    token = run.signal_token("decision", expires_in=60)
    assert_type(await client.send_by_token(token, payload), SignalOutcome)
    await client.create_claims_of_week_schedule("mine", {"until": FIRE_DATE}, cron="@daily", overlap="queue")


def synchronous(client: Client, conn: Conn) -> None:
    run = client.start_expense_claim({"claim_id": "1", "amount": 7}, conn=conn)
    assert_type(run.send_decision({"approved": True, "by": "ann", "note": "fine"}), SignalOutcome)
    client.create_claims_of_week_schedule("mine", {"until": FIRE_DATE}, every=3600, timezone="Europe/Berlin")
    assert_type(client.fire_schedule("claims_of_week", "monday"), UUID)

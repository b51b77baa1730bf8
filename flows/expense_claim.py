"""Pay what was spent: a claim is scored, somebody decides within a week, the bank is asked until it is done.

Every Monday morning the claims of the week before are counted.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from pgflow_runtime import FIRE_DATE, Again, Flow, Signal

SMALL = 50


class Claim(TypedDict):
    claim_id: str
    amount: int


class Score(TypedDict):
    needs_decision: bool
    reason: str


class Decision(TypedDict):
    approved: bool
    by: str
    note: NotRequired[str]


class Payment(TypedDict):
    paid: int
    asked: int


class Week(TypedDict):
    until: str


expense_claim = Flow[Claim]("expense_claim")


@expense_claim.step
def score(flow_input: Claim) -> Score:
    """Small claims are paid without asking anybody."""
    is_large = flow_input["amount"] > SMALL
    return {"needs_decision": is_large, "reason": f"{'more' if is_large else 'no more'} than {SMALL}"}


decision = Signal[Decision](
    expense_claim,
    "decision",
    depends_on=[score],
    key="flow_input.claim_id",
    deadline=604_800,
    when_exhausted="skip",
    if_={"score": {"needs_decision": True}},
)


@expense_claim.loop(every=1, max_rounds=100, depends_on=[score])
def payment(
    flow_input: Claim, decision: Decision | None = None, state: int | None = None
) -> Again[int] | Payment:
    """The bank has it done when it is asked for the second time."""
    asked = (state or 0) + 1
    if flow_input["amount"] > SMALL and (decision is None or not decision["approved"]):
        return {"paid": 0, "asked": 0}
    return Again(asked) if asked < 2 else {"paid": flow_input["amount"], "asked": asked}


claims_of_week = Flow[Week]("claims_of_week")


@claims_of_week.step
def count(flow_input: Week) -> str:
    return f"claims until {flow_input['until']} are counted"


monday = claims_of_week.schedule(
    "monday", cron="0 7 * * mon", timezone="Europe/Berlin", input={"until": FIRE_DATE}
)

from pgflow_runtime import Flow

report = Flow[str]("report")
DAILY = {"cron": "0 6 * * *"}


@report.step
def write(flow_input: str) -> str:
    return flow_input


report.schedule("neither", input="all")
report.schedule("both", cron="0 6 * * *", every=60, input="all")
report.schedule("no_input", every=60)
report.schedule("words", every=0, overlap="maybe", catch_up="some", input="all")
report.schedule("kinds", cron=6, timezone=1, input="all")
report.schedule("twice", every=60, input="all")
report.schedule("twice", every=60, input="all")
report.schedule("two words", every=60, input="all")
report.schedule(every=60, input="all")
report.schedule("starred", input="all", **DAILY)
report.schedule("misspelt", evry=60, input="all")
report.schedule("placed", "0 6 * * *", input="all")


def later() -> None:
    report.schedule("later", every=60, input="all")

from pgflow_runtime import Flow

report = Flow[str]("report")
report_v2 = Flow[str]("report", version=2)


@report.step(slug="write")
def write_v1(flow_input: str) -> str:
    return flow_input


@report_v2.step
def write(flow_input: str) -> int:
    return len(flow_input)


report.schedule("nightly", cron="0 6 * * *", input="all")
report_v2.schedule("hourly", cron="0 * * * *", input="all")

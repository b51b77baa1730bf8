from pgflow_runtime import Flow

report = Flow[None]("report")


@report.step
def write() -> None: ...


report.schedule("a", cron="0 6 * *", input=None)
report.schedule("b", cron="0 0 6 * * *", input=None)
report.schedule("c", cron="60 6 * * *", input=None)
report.schedule("d", cron="0 6 L * *", input=None)
report.schedule("e", cron="0 6 * * mon#1", input=None)
report.schedule("f", cron="0 6 15W * *", input=None)
report.schedule("g", cron="0 6 ? * *", input=None)
report.schedule("h", cron="5/15 * * * *", input=None)
report.schedule("i", cron="0 6 * * fri-mon", input=None)
report.schedule("j", cron="0 6 30 2 *", input=None)
report.schedule("k", cron="0 6 31 feb,apr,jun *", input=None)
report.schedule("l", cron="@reboot", input=None)
report.schedule("m", cron="@every 5m", input=None)
report.schedule("n", cron="@fortnightly", input=None)
report.schedule("o", cron="*/0 * * * *", input=None)
report.schedule("p", cron="0 6 * janvier *", input=None)
report.schedule("q", cron="", input=None)
report.schedule("r", cron="0,,5 6 * * *", input=None)
report.schedule("s", cron="0 6 31 2 mon", input=None)
report.schedule("t", cron="@daily", input=None)
report.schedule("u", cron="*/15 8-18/2 1,15 JAN-mar 5-7", input=None)

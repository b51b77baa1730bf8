from pgflow_runtime import Flow

report = Flow[None]("report")


@report.step
def write() -> None: ...


report.schedule("gap", cron="30 2 * * *", timezone="Europe/Berlin", input=None)
report.schedule("twice", cron="30 1 * * *", timezone="America/New_York", input=None)
report.schedule("half_an_hour", cron="45 1 * * *", timezone="Australia/Lord_Howe", input=None)
report.schedule("midnight", cron="@daily", timezone="Africa/Cairo", input=None)
report.schedule("weekdays", cron="30 2 * * mon-fri", timezone="Europe/Berlin", input=None)
report.schedule("every_hour", cron="30 * * * *", timezone="Europe/Berlin", input=None)
report.schedule("noon", cron="0 12 * * *", timezone="Europe/Berlin", input=None)
report.schedule("utc", cron="30 2 * * *", input=None)

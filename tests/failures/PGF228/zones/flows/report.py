from pgflow_runtime import Flow

report = Flow[None]("report")


@report.step
def write() -> None: ...


report.schedule("a", every=60, timezone="Europe/Berlinn", input=None)
report.schedule("b", every=60, timezone="europe/berlin", input=None)
report.schedule("c", every=60, timezone="+01:00", input=None)
report.schedule("d", every=60, timezone="localtime", input=None)
report.schedule("e", every=60, timezone="America/Argentina/Buenos_Aires", input=None)

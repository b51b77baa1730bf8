"""No worker's clock enters a decision: the database's is the only one."""

from __future__ import annotations

from random import Random

from tests.support.crew import crew
from tests.support.soak import Soak
from tests.support.worker_lab import Lab

# Found by the interpreter at its start: every clock that tells the date is wrong from then on.
SITECUSTOMIZE = """
import datetime, os, time

SKEW = float(os.environ["SKEW_SECONDS"])
_time, _time_ns, _localtime, _gmtime = time.time, time.time_ns, time.localtime, time.gmtime
time.time = lambda: _time() + SKEW
time.time_ns = lambda: _time_ns() + int(SKEW * 1e9)
time.localtime = lambda seconds=None: _localtime(time.time() if seconds is None else seconds)
time.gmtime = lambda seconds=None: _gmtime(time.time() if seconds is None else seconds)


class Skewed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)


datetime.datetime = Skewed
"""
DAY = 86_400


def test_workers_whose_clocks_are_days_apart_work_as_one(lab: Lab, trust_random: Random) -> None:
    (lab.folder / "skew").mkdir()
    (lab.folder / "skew" / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    soak = Soak(lab, trust_random)
    with crew(lab, 0, "soak", max_concurrent="8", log_format="json") as workers:
        for days in (-400, 0, 400):
            skewed = {"PYTHONPATH": str(lab.folder / "skew"), "SKEW_SECONDS": str(days * DAY)}
            workers.hire(environment=skewed)
        workers.until_serving()
        now = str(lab.sql("select to_char(now(), 'YYYY-MM-DD') as today")[0]["today"])
        assert [now in worker.log for worker in workers.workers.values()] == [False, True, False]
        soak.start(25)
        workers.kill("crew-1")  # whose tasks the one from the future must not think old, nor the other young
        soak.until_ended()
        soak.check()
        rows = lab.sql(
            """select 1 from pgflow.workers where abs(extract(epoch from now() - last_heartbeat_at)) > 120
               union all select 1 from pgflow.step_tasks
               where abs(extract(epoch from now() - coalesce(completed_at, queued_at))) > 120"""
        )
        assert rows == []
        workers.stop()

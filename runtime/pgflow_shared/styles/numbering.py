"""The numbers and times that migrations' names start with: each is given once, and they only go up."""

from __future__ import annotations

from datetime import datetime, timedelta

_STAMP = "%Y%m%d%H%M%S"


class Numbering:
    """``following`` is higher than ``last``, and than all it gave before; ``now`` is in UTC."""

    def __init__(self, last: int, now: datetime, *, stamped: bool) -> None:
        self.last = last
        self._now = now
        self._stamped = stamped

    def following(self) -> int:
        if not self._stamped:
            self.last += 1
        else:
            self.last = max(int(self._now.strftime(_STAMP)), _next_second(self.last))
        return self.last


def _next_second(stamp: int) -> int:
    try:
        moment = datetime.strptime(str(stamp), _STAMP)
        return int((moment + timedelta(seconds=1)).strftime(_STAMP))
    except (ValueError, OverflowError):
        return stamp + 1

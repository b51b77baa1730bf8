"""What is typed into the search field: an id, JSON that the input contains, or a text in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from uuid import UUID

from pgflow_runtime.errors import UsageError
from pgflow_runtime.runs.documents import written_value

_LARGEST = 2**128 - 1
_ID = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")


@dataclass(frozen=True, slots=True)
class Search:
    """One way to look for runs; what is not asked for is None."""

    id_from: UUID | None = None
    id_below: UUID | None = None
    input_contains: str | None = None
    in_input: str | None = None

    @classmethod
    def read(cls, text: str) -> Search:
        """The start of an id (from four characters on), an object or a list as JSON, or else a text."""
        text = text.strip()
        if not text:
            return cls()
        if _ID.fullmatch(text.lower()):
            digits = text.lower().replace("-", "")
            if 4 <= len(digits) <= 32:
                last = int(digits.ljust(32, "f"), 16)
                return cls(UUID(digits.ljust(32, "0")), UUID(int=last + 1) if last < _LARGEST else None)
        if text[0] in "{[":
            try:
                value = written_value(text, "the search")
            except UsageError:
                return cls(in_input=text)
            return cls(input_contains=json.dumps(value))
        return cls(in_input=text)

    @property
    def only_id(self) -> UUID | None:
        """The id, if it is a whole one."""
        if self.id_from is None or self.id_below is None or self.id_below.int - self.id_from.int != 1:
            return None
        return self.id_from

    @property
    def reads_inputs(self) -> bool:
        return self.input_contains is not None or self.in_input is not None

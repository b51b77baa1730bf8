"""The texts of values that JSON has no form for: a pattern for each, which every validator holds them to.

Formats alone would not: validators need not check them, refuse fractions of durations, demand offsets of
times and let a second 60 pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_gen.ir.types import ScalarName

_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_OFFSET = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_CLOCK = r"T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?"
_HEX = "[0-9a-fA-F]"

SCALARS: Mapping[ScalarName, Mapping[str, str]] = {
    "datetime": {"format": "date-time", "pattern": f"^{_DATE}T{_TIME}{_OFFSET}$"},
    "date": {"format": "date", "pattern": f"^{_DATE}$"},
    "time": {"pattern": f"^{_TIME}$"},
    "timedelta": {"format": "duration", "pattern": f"^-?P(?=[0-9T])([0-9]+D)?({_CLOCK})?$"},
    "UUID": {"format": "uuid", "pattern": f"^{_HEX}{{8}}-({_HEX}{{4}}-){{3}}{_HEX}{{12}}$"},
    "Decimal": {"pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"},
    "bytes": {
        "contentEncoding": "base64",
        "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    },
    "Path": {},
}

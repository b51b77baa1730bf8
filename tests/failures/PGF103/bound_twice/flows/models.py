from typing import TYPE_CHECKING, TypedDict

Row = TypedDict("Row", {"a": int})
Row = TypedDict("Row", {"a": str})

if TYPE_CHECKING:
    Other = int
else:
    Other = str

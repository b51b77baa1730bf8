"""Flows whose tasks get, give and raise what somebody cannot hold."""

from typing import Any

from pgflow_runtime import Flow, JsonValue, RetryAfter

anything = Flow[JsonValue]("anything", max_attempts=2, base_delay=1, backoff="fixed")


@anything.step
def echo(flow_input: JsonValue) -> JsonValue:
    return flow_input


@anything.step
async def after(echo: JsonValue) -> str:
    return "read"


odd = Flow[str]("odd", max_attempts=1)


class Meta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no name")


class Text(str):
    def __format__(self, spec: str) -> str:
        raise RuntimeError("no format")

    def encode(self, *_: Any) -> bytes:
        raise RuntimeError("no bytes")


class Nameless(Exception, metaclass=Meta):
    pass


class Textless(Exception):
    def __str__(self) -> str:
        return Text("odd text")


class Exits(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)

    def __repr__(self) -> str:
        raise SystemExit(3)

    def __reduce__(self) -> str:
        raise SystemExit(3)


class Caused(Exception):
    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("no cause")


class Never(RetryAfter):
    def __init__(self) -> None:
        super().__init__(1)
        self.seconds = 2**70


class Key:
    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def deep(levels: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(levels):
        value = [value]
    return value


def result(what: str) -> Any:
    found: dict[str, Any] = {
        "nul": "a\0b",
        "surrogate": ["\ud800"],
        "key": {"\udfff": 1},
        "deep": deep(3_000),
        "digits": 10**5_000,
        "huge integer": 10**150_000,
        "odd key": {Key(): 1},
        "euro": "1 \u20ac",
        "fine": "fine",
    }
    return found[what]


def fault(what: str) -> Exception:
    return {
        "nameless": Nameless("odd"),
        "textless": Textless(),
        "exits": Exits(),
        "caused": Caused("odd"),
        "long": ValueError("x" * 1_000_000_000) if what == "long" else ValueError(),
        "never": Never(),
        "euro error": ValueError("2 \u20ac"),
    }[what]


@odd.step
def give(flow_input: str) -> JsonValue:
    if flow_input in ("nameless", "textless", "exits", "caused", "long", "never", "euro error"):
        raise fault(flow_input)
    value: JsonValue = result(flow_input)
    return value

"""A game's state with attrs, new names and old."""

from __future__ import annotations

from datetime import timedelta

import attr
import attrs
from attrs import define, field, frozen, validators

from pgflow_runtime import Flow


@frozen
class Position:
    x: int = 0
    y: int = 0


@define(kw_only=True)
class Player:
    name: str = field(validator=validators.min_len(1))
    health: int = field(default=100, validator=[validators.instance_of(int), validators.ge(0)])
    at: Position = field(factory=Position)
    inventory: dict[str, int] = attrs.Factory(dict)
    _secret: str = "x"

    @health.validator
    def _check(self, attribute: attrs.Attribute[int], value: int) -> None:
        if value > 1000:
            raise ValueError("too healthy")


@attr.s(auto_attribs=True, slots=True, frozen=True)
class Move:
    player: str
    to: Position = attr.ib(default=Position(1, 1))
    took: timedelta = timedelta(seconds=1)
    notes: list[str] = attr.ib(factory=list)


@attr.dataclass
class Old:
    a: int = 3


game = Flow[Player]("attrs_game")


@game.step
def move(flow_input: Player) -> list[Move]:
    return [Move(flow_input.name)]


@game.map(array=move)
def apply(one: Move) -> Old:
    return Old(a=one.to.x)

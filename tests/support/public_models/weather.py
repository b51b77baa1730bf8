"""Measurements as NamedTuples, with a dataclass around."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from pgflow_runtime import Flow

V = TypeVar("V")


class Coordinate(NamedTuple):
    lat: float
    lon: float

    @property
    def is_north(self) -> bool:
        return self.lat > 0


class Reading(NamedTuple, Generic[V]):
    """One value at a time and place."""

    at: datetime
    where: Coordinate
    value: V
    unit: str = "C"


@dataclass
class Forecast:
    readings: list[Reading[float]]
    best: Reading[float] | None = None
    grid: dict[str, tuple[Coordinate, Coordinate]] | None = None


weather = Flow[Coordinate]("weather")


@weather.step
def measure(flow_input: Coordinate) -> Forecast:
    return Forecast([])

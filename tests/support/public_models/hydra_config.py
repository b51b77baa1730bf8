"""Nested configurations whose defaults are other configurations."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, Field

from pgflow_runtime import Flow


@dataclass
class OptimizerConfig:
    name: Literal["adam", "sgd"] = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0


@dataclass
class ModelConfig:
    hidden: list[int] = field(default_factory=lambda: [256, 256])
    dropout: float = 0.1
    activation: str = "relu"


@dataclass
class Config:
    experiment: str
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    fine: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=1e-5, name="sgd"))
    seed: int = 42


class Retry(BaseModel):
    attempts: int = Field(3, ge=1)
    wait: float = 1.5


class Service(BaseModel):
    name: str
    retry: Retry = Retry()
    other: Retry = Field(default_factory=Retry)
    slow: Retry = Retry(attempts=5, wait=60)


config = Flow[Config]("hydra_config")


@config.step
def prepare(flow_input: Config) -> Config:
    return flow_input


@config.step
def serve(prepare: Config) -> Service:
    return Service(name=prepare.experiment)

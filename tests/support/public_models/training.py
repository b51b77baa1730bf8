"""Arguments of a training run, as dataclasses with help texts."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

from pgflow_runtime import Flow


class IntervalStrategy(StrEnum):
    NO = "no"
    STEPS = "steps"
    EPOCH = "epoch"


@dataclass
class TrainingArguments:
    """Everything about the training loop itself."""

    output_dir: str = field(metadata={"help": "Where checkpoints go."})
    overwrite_output_dir: bool = field(
        default=False,
        metadata={"help": "Overwrite the content of the output directory."},
    )
    evaluation_strategy: Union[IntervalStrategy, None] = field(
        default=IntervalStrategy.NO, metadata={"help": "x"}
    )
    learning_rate: float = field(default=5e-5, metadata={"help": "The initial learning rate for AdamW."})
    betas: tuple[float, float] = (0.9, 0.999)
    num_train_epochs: float = field(default=3.0)
    max_steps: int = field(default=-1, metadata={"help": "If > 0: total number of steps."})
    logging_dir: Optional[str] = field(default=None)
    label_names: Optional[List[str]] = field(default=None)
    report_to: List[str] = field(default_factory=list)
    fsdp_config: Dict[str, int] = field(default_factory=dict)
    resume_from: Optional[Path] = None

    def __post_init__(self) -> None:
        if self.logging_dir is None:
            self.logging_dir = self.output_dir

    def to_dict(self) -> Dict[str, Any]:
        return asdict(self)


@dataclass
class Metrics:
    loss: float
    steps: int
    history: List[Dict[str, float]] = field(default_factory=list)


train_flow = Flow[TrainingArguments]("training")


@train_flow.step
def train(flow_input: TrainingArguments) -> Metrics:
    return Metrics(loss=0.5, steps=10)

"""A recipe: which model is tuned on which datasets, how, and how it is judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
)

from lf_wrap.dataset.spec import sound_name


class General(BaseModel):
    """General rows that are mixed into the domain's, so that the model does not forget what it knew."""

    model_config = ConfigDict(extra="forbid")
    datasets: list[str] = Field(min_length=1, description="registered dataset names")
    ratio: NonNegativeFloat = Field(default=1.0, description="general : domain")
    by: Literal["rows", "characters"] = "rows"
    weights: dict[str, PositiveFloat] = Field(
        default_factory=dict, description="of any dataset; 2 takes every row twice"
    )
    seed: int = 42


class Data(BaseModel):
    """The datasets that train."""

    model_config = ConfigDict(extra="forbid")
    build: str | None = Field(default=None, description="a dataset spec, built first when its datasets are stale")
    train: list[str] = Field(min_length=1, description="registered dataset names")
    general: General | None = None
    dataset_dir: str = Field(default="dataset_info", description="LLaMA-Factory's dataset_dir")


class Evaluate(BaseModel):
    """The questions that the base and the tuned model are both asked."""

    model_config = ConfigDict(extra="forbid")
    test: list[str] = Field(default_factory=list, description="datasets whose test rows are asked")
    tasks: dict[str, str | dict[str, Any]] = Field(
        default_factory=dict,
        description="of any dataset, the task that judges it, or {task: NAME, …its switches}; the card's when left out",
    )
    limit: PositiveInt | None = Field(default=None, description="rows of each dataset; all when left out")
    max_new_tokens: PositiveInt | None = Field(
        None, description="half as long again as the longest reference when left out"
    )
    batch_size: PositiveInt | None = None


class Guard(BaseModel):
    """What stops a training that has gone wrong, before it has cost a night."""

    model_config = ConfigDict(extra="forbid")
    loss: bool = Field(default=True, description="stop when the loss is NaN, infinite or 0, or has risen far")
    hang_minutes: PositiveFloat | None = Field(
        default=30, description="stop when nothing was logged for so long; null waits for ever"
    )


class Recipe(BaseModel):
    """The whole file, with overrides applied."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, AfterValidator(sound_name)] = Field(description="the folder of its runs; the file's own name")
    model: str = Field(description="a local folder, or a ModelScope or Hugging Face id")
    template: str | None = Field(
        default=None, description="LLaMA-Factory's name of the chat template; the tokenizer's own when left out"
    )
    data: Data
    train: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory train arguments, verbatim")
    guard: Guard = Field(default_factory=Guard)
    export: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory export arguments, verbatim")
    evaluate: Evaluate = Field(default_factory=Evaluate)  # type: ignore[arg-type]

    @property
    def trained_on(self) -> list[str]:
        """The datasets that LLaMA-Factory is given: those of the recipe, or the one they are mixed into."""
        return [f"{self.name}_mix"] if self.data.general else self.data.train

    @property
    def finetuning_type(self) -> str:
        return str(self.train.get("finetuning_type", "lora"))

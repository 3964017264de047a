"""A recipe: which model is tuned on which datasets, how, and how it is judged."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
)

from lf_wrap.dataset import Measure, sound_name
from lf_wrap.recipe.secrets import secrets

VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# What a recipe may not set, since it is about the machine that it meets.
OPTIONS = {
    "CUDA_VISIBLE_DEVICES": "--gpus",
    "NPROC_PER_NODE": "--gpus or --nproc-per-node",
    "FORCE_TORCHRUN": "--gpus or --nproc-per-node",
    "NNODES": "--nnodes",
    "NODE_RANK": "--node-rank",
    "MASTER_ADDR": "--master",
    "MASTER_PORT": "--master",
}
# A recipe is data, and data from elsewhere must not choose what is executed.
LOADS_CODE = re.compile(r"PATH|ENV|IFS|BASH_ENV|(?:LD|DYLD)_.*|PYTHON.*")


def without_secrets(section: dict[str, Any]) -> dict[str, Any]:
    """`section`, if nothing in it looks like a secret.

    Raises:
        ValueError: something does.
    """
    if found := secrets(section):
        raise ValueError(f"{found[0]} looks like a secret: export it before you start lfw, it is handed on")
    return section


class General(BaseModel):
    """General rows that are mixed into the domain's, so that the model does not forget what it knew."""

    model_config = ConfigDict(extra="forbid")
    datasets: list[str] = Field(min_length=1, description="registered dataset names")
    ratio: NonNegativeFloat = Field(default=1.0, description="general : domain")
    by: Measure = Field(default="rows", description="tokens are the model's, or characters while it is not here")
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


class Price(BaseModel):
    """What a million tokens cost, in whatever currency the judge is paid in."""

    model_config = ConfigDict(extra="forbid")
    input: NonNegativeFloat
    output: NonNegativeFloat


class Judge(BaseModel):
    """A model behind an OpenAI-compatible endpoint that judges answers."""

    model_config = ConfigDict(extra="forbid")
    base_url: str = Field(description="the endpoint, such as http://127.0.0.1:8000/v1")
    model: str = Field(min_length=1)
    key_env: str = Field(default="OPENAI_API_KEY", description="the environment variable that holds the key")
    rubric: str = Field(default="general", description="general, medical, roleplay, or a YAML file of your own")
    how: Literal["both", "pointwise", "pairwise"] = Field(
        default="both", description="score each answer alone, compare base and tuned in both orders, or both"
    )
    limit: PositiveInt | None = Field(default=None, description="rows of each dataset; all when left out")
    parallel: PositiveInt = 4
    timeout: PositiveFloat = Field(default=60.0, description="seconds for one whole reply")
    max_tokens: PositiveInt = Field(default=512, description="of one reply: reasoning models need more")
    price: Price | None = Field(default=None, description="of a million tokens, so that the cost can be shown")


class PhaseData(BaseModel):
    """The datasets of a phase; where they lie and what builds them, the recipe says."""

    model_config = ConfigDict(extra="forbid")
    train: list[str] = Field(min_length=1, description="registered dataset names")
    general: General | None = None


class Phase(BaseModel):
    """A training before the recipe's own, with all its arguments: none are handed down."""

    model_config = ConfigDict(extra="forbid")
    template: str | None = Field(default=None, description="the recipe's when left out")
    data: PhaseData
    train: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory train arguments, verbatim")

    @field_validator("train")
    @classmethod
    def _no_secrets(cls, train: dict[str, Any]) -> dict[str, Any]:
        return without_secrets(train)


class Evaluate(BaseModel):
    """The questions that the base and the tuned model are both asked."""

    model_config = ConfigDict(extra="forbid")
    test: list[str] = Field(default_factory=list, description="datasets whose test rows are asked")
    tasks: dict[str, str | dict[str, Any]] = Field(
        default_factory=dict,
        description="of any dataset, the task that judges it, or {task: NAME, …its switches}; the card's when left out",
    )
    limit: PositiveInt | None = Field(default=None, description="questions of each set; all when left out")
    max_new_tokens: PositiveInt | None = Field(
        None, description="half as long again as the longest reference when left out"
    )
    batch_size: PositiveInt | None = Field(
        default=None, description="rows answered at once; by the device when left out"
    )
    engine: Literal["transformers", "vllm"] = "transformers"
    probe: str | list[str] = Field(
        default_factory=list, description="general questions: general_zh, general_en, or JSONL files of your own"
    )
    choice: list[str] = Field(default_factory=list, description="CSV files, or folders of them: C-Eval, CMMLU, MMLU")
    harness: list[str] = Field(
        default_factory=list,
        description="tasks of lm-evaluation-harness (extra `harness`): their names, or YAML files of your own",
    )
    perplexity: bool = Field(default=False, description="also measure how likely the references of the test rows are")
    paraphrase: str | None = Field(
        default=None, description="also ask in other words: `general`, or a file of templates or rewordings"
    )
    memorisation: PositiveInt | None = Field(
        default=None, description="also ask about so many training rows of each dataset"
    )
    judge: Judge | None = Field(
        default=None,
        description="a model that judges the answers to the test rows, in the run and in `lfw judge`",
    )

    @property
    def probes(self) -> list[str]:
        """The probes, however many there are."""
        return [self.probe] if isinstance(self.probe, str) else self.probe


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
    begin_from: str | None = Field(
        default=None, description="a folder of weights that training begins from, instead of the model's own"
    )
    data: Data
    effective_batch: PositiveInt | None = Field(
        default=None, description="rows a step: batch size × accumulation × processes; 8 when left out"
    )
    before: dict[Annotated[str, AfterValidator(sound_name)], Phase] = Field(
        default_factory=dict, description="trainings before this one, in order: each begins where the last one ended"
    )
    train: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory train arguments, verbatim")
    guard: Guard = Field(default_factory=Guard)
    export: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory export arguments, verbatim")
    environment: dict[str, str | int | float] = Field(
        default_factory=dict, description="variables for LLaMA-Factory's processes, as NCCL_DEBUG; never a secret"
    )
    evaluate: Evaluate = Field(default_factory=Evaluate)  # type: ignore[arg-type]

    @field_validator("environment", "train", "export")
    @classmethod
    def _no_secrets(cls, section: dict[str, Any]) -> dict[str, Any]:
        return without_secrets(section)

    @field_validator("before", mode="before")
    @classmethod
    def _only_what_is_said(cls, before: Any) -> Any:
        """An override takes a phase out of the recipe with null, and all of them too."""
        return {name: phase for name, phase in before.items() if phase is not None} if before else {}

    @field_validator("environment")
    @classmethod
    def _sound_environment(cls, environment: dict[str, Any]) -> dict[str, Any]:
        for name in environment:
            if not VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a variable")
            if name in OPTIONS:
                raise ValueError(f"{name} is for the command line to say: {OPTIONS[name]}")
            if LOADS_CODE.fullmatch(name):
                raise ValueError(f"{name} decides which programs run: set it where you start lfw")
        return environment

    @property
    def trained_on(self) -> list[str]:
        """The datasets that LLaMA-Factory is given: those of the recipe, or the one they are mixed into."""
        return [f"{self.name}_mix"] if self.data.general else self.data.train

    @property
    def begins(self) -> str:
        """The model whose weights training changes: an earlier training's, or `model` itself."""
        return self.begin_from or self.model

    @property
    def pretrains(self) -> bool:
        """Whether plain text is learned whole, instead of the answers in conversations."""
        return self.train.get("stage") == "pt"

    @property
    def finetuning_type(self) -> str:
        return str(self.train.get("finetuning_type", "lora"))

"""How much GPU memory a training takes at its peak, from the model's shape and the train arguments alone.

The peak is either at the end of a forward pass, when every layer's activations are kept for the backward pass, or at
the end of the backward pass, when all gradients are there. Bytes a token and layer were counted from what autograd
keeps (transformers 5, LLaMA-Factory 0.9.5) and fitted to peaks measured with scripts/bench_train.py; docs/benchmarks.md
shows both side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lf_wrap.recipe.deepspeed import BUCKET
from lf_wrap.recipe.shape import Shape

GIB = 1 << 30
CONTEXT = 600 << 20  # what CUDA and its libraries take before the first tensor (H100, torch 2.11: 0.5 to 0.6 GiB)
SPARE = 1.06  # what the allocator holds beyond what is in use: up to 6 % where batches are of one size
LOGIT_BYTES = 10  # of one logit without liger: bf16, its fp32 copy, and the gradient of that
QUANTIZED = {4: 0.56, 8: 1.06}  # bytes a weight, scales included (Dettmers et al. 2023; bitsandbytes)
BUCKETS = int(4.5 * 2 * BUCKET * 2)  # bytes of ZeRO-2's: 4.5 times both, in 16 bits (transformers' DeepSpeed guide)
FROZEN_KINDS = {"lora", "oft"}


@dataclass(frozen=True)
class Memory:
    """Bytes on each GPU, by what they hold."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    peak: int
    """The most that tensors take at once: not all of the above are there at the same time."""

    @property
    def needed(self) -> int:
        """What the GPU must have free: the peak, what the allocator holds beyond it, and CUDA's own."""
        return int(self.peak * SPARE) + CONTEXT

    def result(self) -> dict[str, int]:
        """`memory` of `lfw check --json`."""
        return {"per_gpu_bytes": self.needed, **asdict(self)}


@dataclass(frozen=True)
class Load:
    """One training as the memory sees it. `row` is the longest row in tokens, `zero` DeepSpeed's stage."""

    shape: Shape
    arguments: dict[str, Any]
    row: int
    processes: int = 1
    zero: int = 0
    offload_optimizer: bool = False
    offload_weights: bool = False

    def says(self, name: str) -> bool:
        return bool(self.arguments.get(name))

    @property
    def adapter(self) -> bool:
        return self.arguments.get("finetuning_type", "lora") in FROZEN_KINDS

    @property
    def trained(self) -> int:
        """The weights that are trained."""
        kind, shape = self.arguments.get("finetuning_type", "lora"), self.shape
        if kind == "freeze":
            return abs(int(self.arguments.get("freeze_trainable_layers", 2))) * shape.layer
        if kind not in FROZEN_KINDS:
            return shape.parameters
        wanted = str(self.arguments.get("lora_target", "all")).replace(" ", "").split(",")
        modules = [size for name, size in shape.linears.items() if "all" in wanted or name in wanted]
        rank = int(self.arguments.get("lora_rank", 8))
        more = str(self.arguments.get("additional_target") or "")
        whole = sum(shape.embedding for name in ("embed_tokens", "lm_head") if name in more)
        return shape.layers * rank * sum(inputs + outputs for inputs, outputs in modules) + whole

    @property
    def low(self) -> bool:
        """Whether arithmetic runs in 16 bits."""
        return any(map(self.says, ("bf16", "fp16", "pure_bf16")))

    @property
    def trained_bytes(self) -> int:
        """Of one trained weight: fp32 unless `pure_bf16` (LLaMA-Factory upcasts what it trains)."""
        return 2 if self.says("pure_bf16") else 4

    @property
    def tokens(self) -> int:
        """Of one batch on one GPU, padding included."""
        packed = self.says("packing") or self.says("neat_packing")
        row = int(self.arguments.get("cutoff_len", self.row)) if packed else self.row
        return int(self.arguments.get("per_device_train_batch_size", 8)) * row


def peak_memory(load: Load) -> Memory:
    """The peak of one training process on its GPU.

    With gradient accumulation the gradients of earlier batches are there during the forward pass too.
    """
    sharded = load.processes if load.zero else 1
    weights = _weights(load) // (load.processes if load.zero == 3 else 1)
    gradients = load.trained * load.trained_bytes // (sharded if load.zero >= 2 else 1)
    optimizer = int(_optimizer_bytes(load) * load.trained) // sharded
    if load.offload_optimizer:
        optimizer, gradients = 0, gradients if load.zero < 2 else 0
    if load.offload_weights:
        weights = 2 * load.shape.layer * 2  # the layer at work and the next
    activations, logits = _activations(load), _logits(load)
    accumulates = int(load.arguments.get("gradient_accumulation_steps", 1)) > 1
    forward = activations + logits + (gradients if accumulates else 0)
    peak = weights + optimizer + max(gradients, forward) + (BUCKETS if load.zero == 2 else 0)
    return Memory(weights, gradients, optimizer, activations, logits, peak)


def _weights(load: Load) -> int:
    """The model as loaded, what is trained in its own precision, and the 16-bit copies that autocast keeps of that."""
    shape, frozen = load.shape, load.shape.parameters - (0 if load.adapter else load.trained)
    bits = load.arguments.get("quantization_bit")
    a_frozen = QUANTIZED.get(int(bits), 2.0) if bits else 2.0 if load.low else 4.0
    if bits:  # the embeddings stay in 16 bits
        kept = shape.parameters - shape.layers * shape.layer
        loaded = (shape.parameters - kept) * a_frozen + kept * 2
    else:
        loaded = frozen * a_frozen
    copies = 2 * load.trained if load.low and load.trained_bytes == 4 else 0
    return int(loaded + load.trained * load.trained_bytes + copies)


def _optimizer_bytes(load: Load) -> float:
    """Bytes a trained weight: Adam keeps two numbers of the weight's own precision, its 8-bit kinds two bytes."""
    name = str(load.arguments.get("optim", "adamw_torch"))
    if "8bit" in name:
        return 2.06
    if name.startswith(("sgd", "adafactor")):
        return 0.1
    return 2.0 * load.trained_bytes


def _activations(load: Load) -> int:
    """What the layers keep for the backward pass: all of it, or each layer's input and one layer's all."""
    kept = load.tokens * _bytes_a_token(load)
    if load.says("disable_gradient_checkpointing"):
        return int(load.shape.layers * kept + _mask(load))
    stream = 2 if load.adapter or load.says("pure_bf16") else 4
    return int(load.tokens * load.shape.layers * stream * load.shape.hidden + kept + _mask(load))


def _bytes_a_token(load: Load) -> float:
    """Of one layer, in the units of its hidden size h and its MLP's size f.

    With bf16 weights: inputs and outputs of two norms, queries, attention output (12 h), keys and values repeated to
    all heads (4 h), gate, up and their product (6 f). With fp32 masters the residual stream is fp32 (27 h in all); an
    adapter keeps a 16-bit copy of every module's input (26.3 h), and without autocast two more of the MLP's (4 f,
    measured, not counted). Without liger the norms keep their fp32 input and
    output (14 h more) and the MLP its activation (2 f more).
    """
    shape = load.shape
    hidden, gated = 26.3 if load.adapter else 16.4 if load.says("pure_bf16") else 27.0, 6.0
    if load.adapter and load.says("pure_bf16"):
        gated += 4
    if not load.says("enable_liger_kernel"):
        hidden, gated = hidden + 14, gated + 2
    scale = 1.0 if load.low else 1.7
    extra = 0.0
    if load.arguments.get("flash_attn") == "disabled":  # scores and probabilities of every head
        extra = 6.0 * shape.heads * load.tokens / int(load.arguments.get("per_device_train_batch_size", 8))
    return scale * (hidden * shape.hidden + gated * shape.intermediate) + extra


def masks_pairs(arguments: Mapping[str, Any]) -> bool:
    """Whether a pack has a 16-bit square mask: neat packing gives one to attention other than flash attention."""
    return bool(arguments.get("neat_packing")) and arguments.get("flash_attn") not in {"fa2", "fa3"}


def _mask(load: Load) -> float:
    if not masks_pairs(load.arguments):
        return 0.0
    return 2.0 * load.tokens * int(load.arguments.get("cutoff_len", load.row))


def _logits(load: Load) -> int:
    """Liger never holds them, only the gradient of the output layer; without it there are three copies of each."""
    if not load.says("enable_liger_kernel"):
        return load.tokens * load.shape.vocabulary * LOGIT_BYTES
    return 0 if load.adapter else load.shape.embedding * load.trained_bytes

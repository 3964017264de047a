"""A model folder as one GGUF file, float16 or q8_0, for llama.cpp and Ollama. One tensor is in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.model.forms.gguf_vocabulary import require_known, vocabulary
from lf_wrap.model.mergeable import config_of, require_not_quantized
from lf_wrap.model.weights import Weights

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFWriter
    from numpy.typing import NDArray

ARCHITECTURES = ("llama", "qwen2", "qwen3")  # config.json's model_type, and GGUF's name
LARGEST_F16 = 65504.0


@dataclass(frozen=True)
class Stored:
    """One tensor's place in the file."""

    source: str
    name: str
    kind: GGMLQuantizationType
    shape: tuple[int, ...]
    heads: int | None
    """For Llama's queries and keys: their heads, whose halves llama.cpp keeps interleaved."""


def require_writable(model: Path) -> None:
    """Refuses a model that `write_gguf` cannot write, by its config and tokenizer alone.

    Raises:
        UserError: its architecture, tokenizer or rope scaling is not known here, or it is quantized.
    """
    _architecture(config_of(model), model)
    require_not_quantized(model)
    require_known(model)


def write_gguf(model: Path, target: Path, outtype: str) -> None:
    """Writes `model` to the file `target`; `outtype` is "f16" or "q8_0". Vectors stay float32, as in llama.cpp.

    Raises:
        UserError: an architecture, tokenizer or rope scaling that is not known here, or weights too large for float16.
    """
    from gguf import GGUFWriter, LlamaFileType

    config = config_of(model)
    architecture = _architecture(config, model)
    require_not_quantized(model)
    weights = Weights(model)
    tensors = _tensors(weights, config, architecture, outtype)
    writer = GGUFWriter(target, architecture)
    _add_config(writer, config, model.name)
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if outtype == "f16" else LlamaFileType.MOSTLY_Q8_0)
    rows = next(tensor.shape[0] for tensor in tensors if tensor.name == "token_embd.weight")
    writer.add_vocab_size(rows)
    _add_vocabulary(writer, model, rows)
    try:
        _write(writer, weights, tensors)
    finally:
        writer.close()


def _architecture(config: dict[str, Any], model: Path) -> str:
    kind = str(config.get("model_type"))
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    scaling = rope.get("rope_type") or rope.get("type") or "default"
    if kind not in ARCHITECTURES or scaling != "default":
        what = f"architecture {kind!r}" if kind not in ARCHITECTURES else f"rope scaling {scaling!r}"
        raise UserError(
            f"{shown(model)} cannot be written as GGUF by lfw: {what} is not among {', '.join(ARCHITECTURES)} "
            "with plain rope",
            fix="llama.cpp's convert_hf_to_gguf.py knows more kinds: run it on this folder",
        )
    return kind


def _add_config(writer: GGUFWriter, config: dict[str, Any], name: str) -> None:
    heads, width = int(config["num_attention_heads"]), int(config["hidden_size"])
    head = int(config.get("head_dim") or width // heads)
    theta = (config.get("rope_parameters") or {}).get("rope_theta") or config.get("rope_theta") or 10000.0
    writer.add_name(name)
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(width)
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(theta))
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))


def _add_vocabulary(writer: GGUFWriter, model: Path, rows: int) -> None:
    from transformers import AutoTokenizer

    vocabulary(model, rows).write(writer, AutoTokenizer.from_pretrained(model))


def _tensors(weights: Weights, config: dict[str, Any], architecture: str, outtype: str) -> list[Stored]:
    from gguf import MODEL_ARCH, GGMLQuantizationType, get_tensor_name_map
    from gguf.constants import GGML_QUANT_SIZES

    names = get_tensor_name_map(MODEL_ARCH[architecture.upper()], int(config["num_hidden_layers"]))
    wanted = GGMLQuantizationType.F16 if outtype == "f16" else GGMLQuantizationType.Q8_0
    block = GGML_QUANT_SIZES[wanted][0]
    stored = []
    for source, tensor in weights.tensors.items():
        if source == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        name = names.get_name(source, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise UserError(f"GGUF has no place for the tensor {source}", where=shown(weights.folder))
        kind = wanted if tensor.shape[-1] % block == 0 else GGMLQuantizationType.F16
        if len(tensor.shape) == 1:
            kind = GGMLQuantizationType.F32
        stored.append(Stored(source, name, kind, tensor.shape, _interleaved(architecture, name, config)))
    return stored


def _interleaved(architecture: str, name: str, config: dict[str, Any]) -> int | None:
    if architecture != "llama" or not (".attn_q." in name or ".attn_k." in name):
        return None
    heads = int(config["num_attention_heads"])
    return heads if ".attn_q." in name else int(config.get("num_key_value_heads") or heads)


def _write(writer: GGUFWriter, weights: Weights, tensors: list[Stored]) -> None:
    import numpy as np
    from gguf import GGMLQuantizationType, quant_shape_to_byte_shape

    for tensor in tensors:
        shape, dtype = tensor.shape, np.dtype(np.float32 if tensor.kind == GGMLQuantizationType.F32 else np.float16)
        if tensor.kind == GGMLQuantizationType.Q8_0:
            shape, dtype = quant_shape_to_byte_shape(shape, tensor.kind), np.dtype(np.uint8)
        writer.add_tensor_info(tensor.name, shape, dtype, int(np.prod(shape)) * dtype.itemsize, tensor.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(_data(weights, tensor))


def _data(weights: Weights, tensor: Stored) -> NDArray[np.generic]:
    import numpy as np
    from gguf import GGMLQuantizationType, quantize

    numbers: NDArray[np.float32] = weights[tensor.source].float().numpy()
    if tensor.heads:
        halves = numbers.reshape(tensor.heads, 2, numbers.shape[0] // tensor.heads // 2, *numbers.shape[1:])
        numbers = halves.swapaxes(1, 2).reshape(numbers.shape)
    if tensor.kind == GGMLQuantizationType.F16 and float(np.abs(numbers).max(initial=0)) > LARGEST_F16:
        raise UserError(
            f"{tensor.source} holds numbers that are too large for float16",
            where=shown(weights.folder),
            fix="take --form gguf-q8_0",
        )
    data: NDArray[np.generic] = quantize(np.ascontiguousarray(numbers), tensor.kind)
    return data

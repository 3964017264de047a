"""Failures that LLaMA-Factory, transformers, PEFT, datasets and torch are known for, and the setting to change.

Each is recognised by words of its real message. The tests provoke those that need no GPU and no hub with the real
programs; of the others the comment says where the words stand in the source (LLaMA-Factory 0.9.5, transformers 5.6,
torch 2.14). The table in docs/troubleshooting.md is held to this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """What a message means, and what to change."""

    name: str
    pattern: str
    means: str
    fix: str
    exits: tuple[int, ...] = ()
    """Exit codes that show it where the log has no word of it."""

    def shows_in(self, text: str) -> bool:
        return re.search(self.pattern, text) is not None


FAILURES: tuple[Failure, ...] = (
    # c10/cuda/CUDACachingAllocator.cpp; older torch names it torch.cuda.OutOfMemoryError
    Failure(
        "GPU memory",
        r"CUDA out of memory|CUDA error: out of memory|NPU out of memory",
        "the GPU's memory is full",
        "halve train.per_device_train_batch_size and double train.gradient_accumulation_steps; then a smaller "
        "train.cutoff_len, train.enable_liger_kernel: true, train.quantization_bit: 4 with LoRA, or DeepSpeed stage 3",
    ),
    Failure(
        "memory",
        r"DefaultCPUAllocator: can't allocate memory|^MemoryError|Cannot allocate memory",
        "the computer's memory is full",
        "take a smaller model, train.per_device_train_batch_size or train.cutoff_len, and fewer "
        "train.preprocessing_num_workers",
    ),
    # torch/utils/data/_utils/signal_handling.py and torch/csrc/DataLoader.cpp
    Failure(
        "shared memory",
        r"DataLoader worker .*(?:Bus error|out of shared memory)|unable to (?:open|allocate) shared memory",
        "the shared memory of the data loader's processes is full",
        "set train.dataloader_num_workers: 0, or start the container with more of it (docker run --shm-size=16g)",
    ),
    Failure(
        "disk full",
        r"No space left on device|os error 28|Disk quota exceeded|PytorchStreamWriter failed|unexpected pos \d+ vs",
        "the disk is full",
        "free some space, the run's set_aside/ folder first, or save less with train.save_total_limit: 1; then run the "
        "same command again",
    ),
    # data/collator.py
    Failure(
        "packs with flash attention",
        r"bsz should be 1 for neat packing",
        "LLaMA-Factory takes one pack a step with flash attention",
        "set train.per_device_train_batch_size: 1 and train.per_device_eval_batch_size: 1, or take flash_attn out",
    ),
    # _private/node.py and dashboard/dashboard.py of Ray 2.54; seen where the dashboard takes longer than its 30 s
    Failure(
        "Ray's dashboard",
        r"Could not read 'dashboard' from GCS|Dashboard build directory not found",
        "Ray's dashboard, which tells LLaMA-Factory where the head node is, did not start",
        "read dashboard.log in /tmp/ray/session_latest/logs; install it whole (pip install 'ray[default]'), or start "
        "Ray first on a quieter machine (ray start --head), then run the same command again",
    ),
    Failure(
        "port in use",
        r"EADDRINUSE|[Aa]ddress already in use",
        "another training has the port through which the processes find each other",
        "wait for it or end it, or give this one another: MASTER_PORT=29600 lfw run ...",
    ),
    # torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp
    Failure(
        "NCCL timeout",
        r"Watchdog caught collective operation timeout|NCCL timeout|Timed out waiting \d+ms for",
        "one process waited for another too long",
        "read above in the log which process stopped first; if one was still tokenizing, the tokenize stage spares the "
        "others the waiting; else try NCCL_P2P_DISABLE=1, NCCL_IB_DISABLE=1, or a larger train.ddp_timeout",
    ),
    # torch/csrc/distributed/c10d/NCCLUtils.hpp
    Failure(
        "NCCL",
        r"NCCL error|ncclUnhandledCudaError|ncclSystemError|ncclInternalError",
        "the GPUs cannot talk to each other",
        "set NCCL_DEBUG=INFO, which says why; NCCL_P2P_DISABLE=1 and NCCL_IB_DISABLE=1 help on consumer cards, "
        "NCCL_SOCKET_IFNAME names the network between machines",
    ),
    # c10/cuda/CUDAFunctions.cpp
    Failure(
        "CUDA driver",
        r"NVIDIA driver on your system is too old|CUDA driver version is insufficient|Found no NVIDIA driver",
        "the GPU's driver is missing or older than this torch needs",
        "install a newer driver, or a torch for the driver that is there (see what `nvidia-smi` calls CUDA Version)",
    ),
    # cudaErrorNoKernelImageForDevice, cudaErrorInvalidDeviceFunction
    Failure(
        "CUDA architecture",
        r"no kernel image is available|invalid device function|is not compatible with the current PyTorch",
        "this torch, or an extension, was not built for this GPU",
        "install a torch built for it; rebuild flash-attn, bitsandbytes or DeepSpeed there",
    ),
    # cudaErrorAssert; most often an embedding that is smaller than the tokenizer
    Failure(
        "CUDA assert",
        r"device-side assert triggered|indexSelectLargeIndex",
        "an index was out of range on the GPU: most often a token the model has no embedding for",
        "set train.resize_vocab: true if tokens were added; CUDA_LAUNCH_BLOCKING=1 shows where it happens",
    ),
    Failure(
        "unknown key",
        r"are not used by the HfArgumentParser",
        "LLaMA-Factory does not know an argument",
        "correct the key that is named: `lfw check` says what it is called; ALLOW_EXTRA_ARGS=1 lets it pass",
    ),
    Failure(
        "unknown dataset",
        r"Undefined dataset .* in dataset_info\.json",
        "a dataset is not registered",
        "name one of dataset_info.json in data.train; `lfw build-data` makes the entry",
    ),
    Failure(
        "dataset file",
        r"ValueError: File .* not found\.",
        "a registered dataset's file is not there",
        "build it again with `lfw build-data`, or correct file_name in dataset_info.json",
    ),
    # llamafactory/data/parser.py
    Failure(
        "dataset_info.json",
        r"Cannot open .*dataset_info\.json due to",
        "dataset_info.json is missing or is not JSON",
        "set data.dataset_dir to the folder in which it lies",
    ),
    Failure(
        "no valid rows",
        r"Cannot find valid samples",
        "every row was dropped, for roles that do not alternate or answers that do not fit",
        "let `lfw build-data` make rows that are kept from the raw file, correct the `tags` in dataset_info.json, or "
        "raise train.cutoff_len",
    ),
    # llamafactory/data/loader.py
    Failure(
        "wrong stage",
        r"The dataset is not applicable in the current training stage",
        "preference data in supervised training, or the other way round",
        "set train.stage: dpo or rm for a dataset with `ranking: true`, else sft",
    ),
    Failure(
        "column",
        r"^KeyError: '(?:instruction|input|output|conversations|messages|text|chosen|rejected|from|value|role|content)",
        "the rows do not have the column, or the turns the key, that dataset_info.json says",
        "correct `columns` and `tags` of the dataset in dataset_info.json, or build it with `lfw build-data`",
    ),
    Failure(
        "not one schema",
        r"ArrowInvalid|features can't be aligned|DatasetGenerationError|DatasetGenerationCastError|ArrowTypeError",
        "the rows of a dataset file do not all have the same keys and types, or the file is cut off",
        "build it again with `lfw build-data`, which writes one schema; the line above the error names the row",
    ),
    Failure(
        "encoding",
        r"UnicodeDecodeError: 'utf-8'",
        "a dataset file is not UTF-8",
        "build it with `lfw build-data FILE`, which reads GBK and GB18030 and writes UTF-8",
    ),
    Failure(
        "unknown template",
        r"ValueError: Template .* does not exist\.",
        "LLaMA-Factory has no such chat template",
        "correct `template:` in the recipe: `lfw check` offers the nearest; left out, the tokenizer's own is used",
    ),
    Failure(
        "no bf16",
        r"Your setup doesn't support bf16/gpu|This device does not support `pure_bf16`",
        "this device has no bf16",
        "leave train.bf16 and train.pure_bf16 out: lfw then takes what the hardware has; on a CPU train.use_cpu: true",
    ),
    Failure(
        "quantized full tuning",
        r"Quantization is only compatible with the LoRA or OFT method",
        "a quantized model cannot be tuned whole",
        "set train.finetuning_type: lora, or leave train.quantization_bit out",
    ),
    Failure(
        "missing package",
        r"distribution was not found and is required|requires the `?[\w-]+`? library but it was not found"
        r"|ModuleNotFoundError: No module named|You need to install `[\w-]+`|requires [\w-]+ to be installed"
        r"|is not installed\b.*pip install|ImportError: .*pip install",
        "a package that a setting needs is not installed",
        "install it as the message says, or take the setting out: train.quantization_bit and 8-bit train.optim need "
        "bitsandbytes, train.deepspeed deepspeed, train.enable_liger_kernel liger-kernel, train.use_unsloth unsloth, "
        "train.predict_with_generate jieba, nltk and rouge-chinese",
    ),
    # llamafactory/extras/misc.py, check_version: what is installed is named
    Failure(
        "version",
        r"is required for a normal functioning of this module, but found",
        "an installed package is of a version that LLaMA-Factory does not take",
        "install the version that the message names; DISABLE_VERSION_CHECK=1 tries it all the same",
    ),
    # llamafactory/hparams/parser.py
    Failure(
        "DeepSpeed alone",
        r"Please use `FORCE_TORCHRUN=1` to launch DeepSpeed",
        "DeepSpeed on one GPU wants torchrun too",
        "run it with FORCE_TORCHRUN=1",
    ),
    Failure(
        "unknown modules",
        r"Target modules .* not found in the base model",
        "the model has no layers of that name",
        "set train.lora_target: all, or name linear layers of the model (q_proj,v_proj; in ChatGLM query_key_value)",
    ),
    Failure(
        "weights cut off",
        r"SafetensorError: (?:Error while deserializing|.*[Hh]eader)|PytorchStreamReader failed|invalid load key, 'v'",
        "a weights file is cut off, or only the pointer to one (git-lfs)",
        "fetch the model again: `lfw fetch` checks what it brings",
    ),
    Failure(
        "other shapes",
        r"size mismatch for .*copying a param with shape|Unable to load weights from .*mismatch",
        "an adapter or checkpoint was made for a model of other sizes, or with another lora_rank",
        "take the model and the settings it was made with, or start anew with `lfw run --from train`",
    ),
    Failure(
        "own code",
        r"contains custom code which must be executed|trust_remote_code=True",
        "the model's folder brings Python code that would be run",
        "read that code, and if you trust it set train.trust_remote_code: true",
    ),
    # transformers/utils/hub.py and huggingface_hub/errors.py
    Failure(
        "gated model",
        r"trying to access a gated repo|GatedRepoError|is a gated repository|401 Client Error|403 Client Error",
        "the hub gives this model only to those who were let in",
        "ask for access on its page and set HF_TOKEN, or name a folder with the model in `model:`",
    ),
    # transformers/utils/hub.py
    Failure(
        "no such model",
        r"is not a local folder and is not a valid model identifier|RepositoryNotFoundError|404 Client Error",
        "the hub has no model of this name",
        "correct `model:`; for one on ModelScope set USE_MODELSCOPE_HUB=1",
    ),
    # ray/util/state/api.py: LLaMA-Factory asks Ray's dashboard which node is the head; 8265 is where it listens
    Failure(
        "Ray without its dashboard",
        r"port=8265\): Max retries exceeded|ray\.util\.state\.exception\.ServerUnavailable",
        "LLaMA-Factory asks Ray's dashboard where the head node is, and it does not run",
        "pip install 'ray[default]', which brings it along, or take train.ray_num_workers and USE_RAY out: torchrun "
        "then starts the processes",
    ),
    Failure(
        "no hub",
        r"We couldn't connect to|LocalEntryNotFoundError|outgoing traffic has been disabled"
        r"|Max retries exceeded with url|Temporary failure in name resolution",
        "the hub cannot be reached, and the model is not here",
        "bring it with `lfw fetch` beforehand and name its folder in `model:`, set HF_ENDPOINT to a mirror, or "
        "USE_MODELSCOPE_HUB=1; take HF_HUB_OFFLINE out of the environment",
    ),
    Failure(
        "no evaluation rows",
        r"Please make sure eval_dataset be provided or val_size",
        "evaluation is asked for, and there is nothing to evaluate on",
        "set train.val_size: 0.05 or train.eval_dataset, or take train.eval_strategy out",
    ),
    # llamafactory/data/processor/supervised.py
    Failure(
        "packed length",
        r"The length of packed example should be identical|must match the size of tensor b .*at non-singleton",
        "packed rows do not have the length that attention expects",
        "give train.cutoff_len a multiple of 8",
    ),
    # llamafactory/hparams/parser.py
    Failure(
        "output folder",
        r"Output directory already exists and is not empty",
        "weights of an earlier training lie where this one would write",
        "run with --from train, which sets them aside",
    ),
    # the kernel's OOM killer sends SIGKILL and the program says nothing; 137 is what a shell makes of it
    Failure(
        "killed",
        r"^Killed$|[Ss]ignal 9 \(SIGKILL\)|exitcode *: -9",
        "it was killed from outside, most often by the system since the computer's memory was full (see `dmesg`)",
        "take a smaller train.per_device_train_batch_size or model, fewer train.preprocessing_num_workers and "
        "train.dataloader_num_workers, or no offload to the CPU; the same command goes on from the last checkpoint",
        exits=(-9, 137),
    ),
)

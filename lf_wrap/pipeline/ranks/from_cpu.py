"""Where processes share the CPU, accelerate calls it cpu:0, and the trainer asks torch to restore a checkpoint there.

torch knows a place called cpu only (2.14, `torch.serialization`), so such a training could never be gone on with.
"""

from __future__ import annotations


def understand_numbered_cpus() -> None:
    """Lets torch.load restore to cpu:0 what is on the CPU."""
    from torch.serialization import register_package

    register_package(
        11,  # after torch's own for the CPU, which has 10
        lambda storage: None,
        lambda storage, location: storage if str(location).startswith("cpu:") else None,
    )

"""In which number format this machine embeds fastest."""

from __future__ import annotations

import glob
from enum import StrEnum
from pathlib import Path

_GPU_DEVICES = "/dev/nvidia[0-9]*", "/dev/dxg", "/dev/kfd"
_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


class Precision(StrEnum):
    """A floating-point format, by torch's name."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


def sees_gpu() -> bool:
    """Whether torch can compute on a GPU here; torch is asked only where there may be one."""
    if not any(glob.glob(pattern) for pattern in _GPU_DEVICES):  # noqa: PTH207  # of a root folder
        return False
    import torch  # noqa: PLC0415  # seconds

    return torch.cuda.is_available()


def fastest_precision() -> Precision:
    """float16 on a GPU, bfloat16 on a CPU that computes in it, float32 elsewhere.

    A CPU without bf16 instructions emulates them three to five times slower than float32.
    """
    if sees_gpu():
        return Precision.FLOAT16
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return Precision.FLOAT32
    return Precision.BFLOAT16 if flags & _BF16_FLAGS else Precision.FLOAT32

"""In which number format this machine embeds fastest."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """A floating-point format, by torch's name."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


def fastest_precision() -> Precision:
    """float16 on a GPU, bfloat16 on a CPU that computes in it, float32 elsewhere.

    A CPU without bf16 instructions emulates them three to five times slower than float32.
    """
    import torch  # noqa: PLC0415  # seconds; only a build needs it

    if torch.cuda.is_available():
        return Precision.FLOAT16
    cpu = torch.cpu.get_capabilities()
    if cpu.get("avx512_bf16") or cpu.get("amx_bf16") or cpu.get("bf16"):
        return Precision.BFLOAT16
    return Precision.FLOAT32

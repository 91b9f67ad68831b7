"""What torch uses of the processor or the GPU."""

from contextlib import AbstractContextManager, nullcontext

import torch

from newsstance.cores import usable_cores


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Give bfloat16 autocast where the device computes in it, and nothing elsewhere, where it would only be slower."""
    if device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16, enabled=torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return torch.autocast("cpu", dtype=torch.bfloat16) if able.get("amx_bf16") or able.get("avx512_bf16") else nullcontext()


def use_all_cores() -> None:
    """Let torch compute on every core that this process may use."""
    torch.set_num_threads(usable_cores())

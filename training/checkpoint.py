"""Where a training stands, on disk, so that it goes on after an interruption as if there had been none.

On a GPU the dropout after a resumption differs, since only the CPU's random state is kept.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from newsstance.files import write_atomically

CHECKPOINTS: Final = ".checkpoints"
"""The folder in ``models/`` that keeps the state of trainings under way or interrupted."""

_STATE: Final = "state.safetensors"
_BEST: Final = "best.safetensors"
_POSITION: Final = "position"


@dataclass
class Progress:
    """How far a training has come: steps done, the best validation score and its step, and the learning curve so far.

    ``curve`` holds ``(step, metric, value)``. ``best_step`` is 0 before the first evaluation.
    """

    step: int = 0
    best_step: int = 0
    best_score: float = -1.0
    worse_since_best: int = 0
    curve: list[tuple[int, str, float]] = field(default_factory=list)


class Checkpoint:
    """The folder of one training's state. ``fingerprint`` tells what is trained on what: another one starts afresh."""

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any]) -> None:
        self._folder = folder
        self._fingerprint = json.dumps(fingerprint, sort_keys=True)

    def save(self, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, *, is_best: bool) -> None:
        """Save the state in one file, whole or not at all, and first the weights if they are the best so far."""
        weights = {f"network.{name}": tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
        if is_best:
            write_atomically(self._folder / _BEST, save(weights))
        tensors = {**weights, **_optimizer_tensors(optimizer), "random": torch.get_rng_state()}
        metadata = {"fingerprint": self._fingerprint, _POSITION: json.dumps(vars(progress))}
        write_atomically(self._folder / _STATE, save(tensors, metadata))

    def resume(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
        """Load the last state into ``network`` and ``optimizer`` if there is one of this training; give the progress."""
        path = self._folder / _STATE
        if not path.is_file():
            return Progress()
        content = path.read_bytes()
        metadata = _metadata(content)
        if metadata.get("fingerprint") != self._fingerprint:
            self.remove()
            return Progress()
        tensors = load(content)
        network.load_state_dict(_network_tensors(tensors))
        _load_optimizer(optimizer, tensors)
        torch.set_rng_state(tensors["random"])
        position = json.loads(metadata[_POSITION])
        return Progress(**{**position, "curve": [(step, name, value) for step, name, value in position["curve"]]})

    def load_best(self, network: nn.Module) -> None:
        """Load the best weights into ``network``."""
        network.load_state_dict(_network_tensors(load((self._folder / _BEST).read_bytes())))

    def remove(self) -> None:
        """Forget the training, finished or outdated."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _metadata(content: bytes) -> dict[str, str]:
    """Read a safetensors file's metadata: its header is JSON, preceded by its length in 8 little-endian bytes."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return metadata


def _network_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("network."): tensor for name, tensor in tensors.items() if name.startswith("network.")}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    states: Mapping[int, Mapping[str, Tensor]] = optimizer.state_dict()["state"]
    return {f"optimizer.{place}.{name}": tensor.cpu() for place, state in states.items() for name, tensor in state.items()}


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, place, name = key.split(".")
            state.setdefault(int(place), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})

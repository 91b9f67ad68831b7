"""The small head of an early exit: what it learns of a model's answers, from the means of its lower layers' states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from newsstance.labels import HEADS
from newsstance.models import Floats

_EPOCHS: Final = 8
_LEAST_STEPS: Final = 1000
"""Steps that a head takes to learn where sentences are few."""

_BATCH: Final = 256
EXIT_RATE: Final = 1e-3
EXIT_DECAY: Final = 0.05
"""How fast a head learns, and how its weights decay (AdamW)."""

_DROPOUT: Final = (0.1, 0.2)
"""The shares dropped of the means and of the neurons."""


@dataclass(frozen=True, eq=False)
class ExitHead:
    """A layer of rectified neurons, and the logits of each head from them.

    ``into`` has the shape (width, neurons), ``out_of`` by head (neurons, labels); biases are as long as the latter of the two.
    """

    into: Floats
    into_bias: Floats
    out_of: Mapping[str, Floats]
    out_of_bias: Mapping[str, Floats]

    @property
    def width(self) -> int:
        """Give the width of the states that the head takes the mean of."""
        return len(self.into)

    def logits(self, means: Floats) -> dict[str, Floats]:
        """Give the logits by head, of shape (texts, labels), for ``means`` of states, of shape (texts, width)."""
        active = np.maximum(means @ self.into + self.into_bias, 0)
        return {head: active @ self.out_of[head] + self.out_of_bias[head] for head in HEADS}


class ExitNetwork(nn.Module):
    """The head while it learns: its neurons take means in units of their ``spread`` about their ``center``, both (width,)."""

    center: Tensor
    spread: Tensor

    def __init__(self, center: Floats, spread: Floats, neurons: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.from_numpy(center))
        self.register_buffer("spread", torch.from_numpy(spread))
        self.into = nn.Linear(len(center), neurons)
        self.out_of = nn.ModuleDict({head: nn.Linear(neurons, len(labels)) for head, labels in HEADS.items()})
        self._before, self._after = nn.Dropout(_DROPOUT[0]), nn.Dropout(_DROPOUT[1])

    def forward(self, means: Tensor) -> tuple[Tensor, ...]:
        """Give the logits of each head, (texts, labels), for ``means`` of states, (texts, width)."""
        active = self._after(torch.relu(self.into(self._before((means - self.center) / self.spread))))
        return tuple(head(active) for head in self.out_of.values())

    def learnt(self) -> ExitHead:
        """Give the head that it has become, which takes means as they come."""
        spread, center = _array(self.spread), _array(self.center)
        weights = _array(self.into.weight).T / spread[:, None]
        linear = {head: cast(nn.Linear, self.out_of[head]) for head in HEADS}
        return ExitHead(
            weights,
            _array(self.into.bias) - center @ weights,
            {head: _array(layer.weight).T for head, layer in linear.items()},
            {head: _array(layer.bias) for head, layer in linear.items()},
        )


def fit_exit(means: Floats, said: Mapping[str, Floats], neurons: int, seed: int) -> ExitNetwork:
    """Fit a head that says of ``means``, (texts, width), what a model ``said``: probabilities by head, (texts, labels)."""
    torch.manual_seed(seed)
    network = ExitNetwork(means.mean(axis=0), means.std(axis=0) + np.float32(1e-6), neurons)
    taken, wanted = torch.from_numpy(means), {head: torch.from_numpy(said[head]) for head in HEADS}
    optimizer = torch.optim.AdamW(network.parameters(), lr=EXIT_RATE, weight_decay=EXIT_DECAY)
    epochs = max(_EPOCHS, ceil(_LEAST_STEPS * _BATCH / len(taken)))
    steps = [rows for _ in range(epochs) for rows in torch.split(torch.randperm(len(taken)), _BATCH)]
    for step, rows in enumerate(steps):
        optimizer.param_groups[0]["lr"] = EXIT_RATE * (1 - step / len(steps))
        loss = distance(network(taken[rows]), {head: wanted[head][rows] for head in HEADS})
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


def distance(logits: Sequence[Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
    """Give the cross entropies of each head's ``logits`` with the probabilities ``wanted``, both (texts, labels), in sum."""
    pairs = zip(logits, (wanted[head] for head in HEADS), strict=True)
    return torch.stack([cross_entropy(of_head.float(), said) for of_head, said in pairs]).sum()


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().numpy(), dtype=np.float32)

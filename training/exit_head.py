"""The small head of an early exit: what it learns of a model's answers, from the means of its lower layers' states."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

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
_RATE: Final = 1e-3
_DECAY: Final = 0.05
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


def fit_exit(means: Floats, said: Mapping[str, Floats], neurons: int, seed: int) -> ExitHead:
    """Fit a head that says of ``means``, (texts, width), what a model ``said``: probabilities by head, (texts, labels)."""
    torch.manual_seed(seed)
    center, spread = means.mean(axis=0), means.std(axis=0) + np.float32(1e-6)
    taken = torch.from_numpy((means - center) / spread)
    wanted = {head: torch.from_numpy(said[head]) for head in HEADS}
    into = nn.Linear(means.shape[1], neurons)
    out_of = {head: nn.Linear(neurons, len(labels)) for head, labels in HEADS.items()}
    body = nn.Sequential(nn.Dropout(_DROPOUT[0]), into, nn.ReLU(), nn.Dropout(_DROPOUT[1]))
    _learn(body, out_of, taken, wanted)
    weights = _array(into.weight).T / spread[:, None]  # the means as they come, from here on
    return ExitHead(
        weights,
        _array(into.bias) - center @ weights,
        {head: _array(out_of[head].weight).T for head in HEADS},
        {head: _array(out_of[head].bias) for head in HEADS},
    )


def _learn(body: nn.Module, out_of: Mapping[str, nn.Linear], taken: Tensor, wanted: Mapping[str, Tensor]) -> None:
    parameters = [*body.parameters(), *(parameter for head in out_of.values() for parameter in head.parameters())]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=_DECAY)
    epochs = max(_EPOCHS, ceil(_LEAST_STEPS * _BATCH / len(taken)))
    steps = [rows for _ in range(epochs) for rows in torch.split(torch.randperm(len(taken)), _BATCH)]
    for step, rows in enumerate(steps):
        optimizer.param_groups[0]["lr"] = _RATE * (1 - step / len(steps))
        active = body(taken[rows])
        loss = torch.stack([cross_entropy(out_of[head](active), wanted[head][rows]) for head in HEADS]).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().numpy(), dtype=np.float32)

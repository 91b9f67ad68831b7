"""How far the channels of a tensor reach, and the uint8 grid that holds them.

The few channels that reach far beyond the others, as encoders' do, would stretch the grid for all. Each of them is split into
as many equal parts as fit it, as in Zhao et al. (2019), "Improving Neural Network Quantization without Retraining using Outlier
Channel Splitting", https://arxiv.org/abs/1901.09504, here of activations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from newsstance.models import Floats

_FAR: Final = 3.0
"""A channel whose largest value is above so many times the median channel's is split."""

_MARGIN: Final = 1.25
"""How much farther than was seen a channel that is split may reach."""

_MOST_PARTS: Final = 128
"""Into how many parts a channel is split at most, the margin aside; one that reaches farther widens the grid."""

_HEAVY: Final = 4.0
"""By how much at most the weights of a channel that is split are divided, where they would coarsen those of the others."""

_STEPS: Final = 255


class Grid(NamedTuple):
    """A uint8 grid: the distance of its points, and the point that is 0."""

    step: np.float32
    zero: np.uint8


class Parts(NamedTuple):
    """The parts of the channels that are far, each of the four of shape (parts,).

    A part is ``share`` times the value of its ``channel``, and counts ``weight`` times that channel's weights: over the parts
    of one channel the products of the two add up to 1. Part and weights take an ``offset``, in steps of their grids, before
    they are rounded. The offsets of one channel are spread evenly over a step, so that its parts, rounded, add up to the whole,
    rounded (Hermite's identity).
    """

    channel: npt.NDArray[np.int64]
    share: Floats
    offset: Floats
    weight: Floats


@dataclass
class Reach:
    """The smallest and the largest value seen in each channel of a tensor, both of shape (channels,)."""

    lowest: Floats
    highest: Floats

    def widen(self, values: Floats) -> None:
        """Take in ``values``, of shape (tokens, channels)."""
        self.lowest = np.minimum(self.lowest, values.min(axis=0))
        self.highest = np.maximum(self.highest, values.max(axis=0))

    def far(self) -> npt.NDArray[np.int64]:
        """Give the channels that reach far beyond the others."""
        most = np.maximum(-self.lowest, self.highest)
        return np.flatnonzero(most > _FAR * np.median(most))

    def grid(self) -> Grid:
        """Give the grid that holds 0 and every channel that isn't far."""
        bottom, top = self._ends()
        step = (top - bottom) / _STEPS
        return Grid(np.float32(step), np.uint8(round(-bottom / step)))

    def parts(self, matrices: Sequence[Floats]) -> Parts:
        """Give as many parts of each channel that is far as make it fit the grid.

        ``matrices`` are what the tensor is multiplied with, each of shape (channels, columns). A column's grid must hold the
        weights of the parts too: those that are heavier than the others are divided, for as many times more parts.
        """
        (bottom, top), far = self._ends(), self.far()
        heavy = np.clip(np.max([_heaviest(matrix, far) for matrix in matrices], axis=0), 1.0, _HEAVY)
        reach = np.maximum(self.lowest[far] / bottom, self.highest[far] / top)
        counts = np.ceil(_MARGIN * heavy * reach).astype(np.int64)
        of_each, weight = np.repeat(counts, counts), np.repeat(1 / heavy, counts)
        order = np.arange(len(of_each)) - np.repeat(np.cumsum(counts) - counts, counts)
        offset = (order - (of_each - 1) / 2) / of_each
        share = 1 / (of_each * weight)
        return Parts(np.repeat(far, counts), *(values.astype(np.float32) for values in (share, offset, weight)))

    def _ends(self) -> tuple[float, float]:
        """Give the ends of the grid, one below 0 and one above."""
        far, tiny = self.far(), float(np.finfo(np.float32).tiny)
        bottom = min(np.delete(self.lowest, far).min(), self.lowest[far].min(initial=0.0) / _MOST_PARTS, -tiny)
        top = max(np.delete(self.highest, far).max(), self.highest[far].max(initial=0.0) / _MOST_PARTS, tiny)
        return float(bottom), float(top)


def _heaviest(matrix: Floats, rows: npt.NDArray[np.int64]) -> Floats:
    """Give, of each of ``rows``, how many times the largest of the other rows' weights in a column it reaches, at most."""
    others = np.abs(np.delete(matrix, rows, axis=0)).max(axis=0)
    heaviest: Floats = (np.abs(matrix[rows]) / np.maximum(others, np.finfo(np.float32).tiny)).max(axis=1)
    return heaviest

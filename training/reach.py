"""How far the channels of a tensor reach, and the uint8 grid that holds them.

The few channels that reach far beyond the others, as encoders' do, would stretch the grid for all. Each of them is split into
as many equal parts as fit it, as in Zhao et al. (2019), "Improving Neural Network Quantization without Retraining using Outlier
Channel Splitting", https://arxiv.org/abs/1901.09504, here of activations.
"""

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

_STEPS: Final = 255


class Grid(NamedTuple):
    """A uint8 grid: the distance of its points, and the point that is 0."""

    step: np.float32
    zero: np.uint8


class Parts(NamedTuple):
    """The parts of the channels that are far, each of the three of shape (parts,).

    A part is ``share`` times the value of its ``channel``, plus an ``offset`` before it is rounded. The offsets of one channel
    are spread evenly over a step of the grid, so that its parts, rounded, add up to the whole, rounded (Hermite's identity).
    """

    channel: npt.NDArray[np.int64]
    share: Floats
    offset: Floats


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

    def parts(self) -> Parts:
        """Give as many parts of each channel that is far as make it fit the grid."""
        (bottom, top), far = self._ends(), self.far()
        counts = np.ceil(_MARGIN * np.maximum(self.lowest[far] / bottom, self.highest[far] / top)).astype(np.int64)
        of_each = np.repeat(counts, counts)
        order = np.arange(len(of_each)) - np.repeat(np.cumsum(counts) - counts, counts)
        offsets = self.grid().step * (order - (of_each - 1) / 2) / of_each
        return Parts(np.repeat(far, counts), (1 / of_each).astype(np.float32), offsets.astype(np.float32))

    def _ends(self) -> tuple[float, float]:
        """Give the ends of the grid, one below 0 and one above."""
        far, tiny = self.far(), float(np.finfo(np.float32).tiny)
        bottom = min(np.delete(self.lowest, far).min(), self.lowest[far].min(initial=0.0) / _MOST_PARTS, -tiny)
        top = max(np.delete(self.highest, far).max(), self.highest[far].max(initial=0.0) / _MOST_PARTS, tiny)
        return float(bottom), float(top)

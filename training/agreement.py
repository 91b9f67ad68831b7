"""Whether the exported model says what the trained one says."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from training.errors import ExportError

EXACT: Final = 1e-3
"""The largest difference of any probability that another arithmetic of the same weights may make."""

INT8_MEAN: Final = 0.02
"""The mean difference of probabilities that int8 weights may make; an int8 graph beyond it is broken, not just coarser."""

Probabilities = Mapping[str, npt.NDArray[np.float32]]
"""Probabilities by head, each of shape (texts, labels)."""


def require_same(trained: Probabilities, exported: Probabilities) -> float:
    """Give the largest difference of any probability; raises ``ExportError`` if it is above ``EXACT``."""
    largest = max(float(np.abs(trained[head] - exported[head]).max()) for head in trained)
    if not largest <= EXACT:
        raise ExportError(f"the exported model's probabilities differ from the trained one's by {largest:.4f}, above {EXACT}")
    return largest


def require_close(trained: Probabilities, quantised: Probabilities) -> float:
    """Give the mean difference of probabilities; raises ``ExportError`` if it is above ``INT8_MEAN`` for a head."""
    mean = max(float(np.abs(trained[head] - quantised[head]).mean()) for head in trained)
    if not mean <= INT8_MEAN:
        raise ExportError(f"the int8 model's probabilities differ by {mean:.4f} on average (at most {INT8_MEAN})")
    return mean

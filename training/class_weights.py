"""How much each class counts while training."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def class_weights(indices: Sequence[int], classes: int, balance: float) -> npt.NDArray[np.float32]:
    """Give a weight for each class, of shape (classes,), that averages 1 over the rows.

    ``balance`` is the power of the inverse share: 0 weighs every row alike, 1 gives every class the same total. A class
    without rows weighs 1.
    """
    counts = np.bincount(indices, minlength=classes).astype(np.float64)
    raw = np.where(counts > 0, (len(indices) / (classes * np.maximum(counts, 1))) ** balance, 1.0)
    return np.asarray(raw * len(indices) / (raw * counts).sum(), dtype=np.float32)

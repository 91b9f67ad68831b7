"""Training batches: sentences of like length together, in an order that the seed and the epoch decide."""

import random
from collections.abc import Sequence
from typing import Final

from newsstance.tokens import batches_by_length

_POOL: Final = 1024
"""Sentences among which likes are gathered: wide enough to waste little padding, narrow enough to keep batches random."""


def epoch_batches(lengths: Sequence[int], tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Give every position once, in shuffled batches of at most ``tokens`` tokens once padded."""
    rng = random.Random(f"{seed}:{epoch}")
    order = rng.sample(range(len(lengths)), len(lengths))
    batches = []
    for start in range(0, len(order), _POOL):
        pool = order[start : start + _POOL]
        batches += [[pool[i] for i in batch] for batch in batches_by_length([lengths[i] for i in pool], tokens)]
    rng.shuffle(batches)
    return batches

"""An encoder whose upper layers read fewer tokens: between layers, neighbours become one, their mean.

A layer takes half the time on half the tokens, and a sentence's stance needs no state for each of them: Dai et al. (2020),
"Funnel-Transformer", https://arxiv.org/abs/2006.03236, here of an encoder that was trained without it.
"""

from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import BertModel

from newsstance.models import Floats

_NEVER: Final = -1e4
"""Added to the scores of tokens that aren't there: their share is 0 in bfloat16 too."""


def funnel(encoder: BertModel, halve_after: Collection[int], ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Give the last states, (texts, fewer tokens, width), and their mask, (texts, fewer tokens).

    The tokens are halved after so many layers as each of ``halve_after`` says, those of odd numbers rounded up.
    """
    states: Tensor = encoder.embeddings(input_ids=ids)
    for done, layer in enumerate(encoder.encoder.layer):
        if done in halve_after:
            states, mask = _halve(states, mask)
        unseen = (1 - mask[:, None, None, :].to(states.dtype)) * _NEVER
        states = layer(states, unseen)
    return states, mask


def layers_of(encoder: nn.Module) -> int | None:
    """Give how many layers ``funnel`` finds in ``encoder``; ``None`` if it can't read it."""
    return len(encoder.encoder.layer) if isinstance(encoder, BertModel) else None


def halve_mask(mask: npt.NDArray[np.int64], tokens: int) -> npt.NDArray[np.int64]:
    """Give ``mask``, (texts, more tokens), as it is where halving has left ``tokens`` of them."""
    while mask.shape[1] > tokens:
        mask = np.pad(mask, ((0, 0), (0, mask.shape[1] % 2))).reshape(len(mask), -1, 2).max(axis=2)
    return mask


def halve_rows(values: Floats, lengths: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Halve the tokens of texts that stand one after the other in ``values``, (tokens, width), each of its own length."""
    starts = np.cumsum(lengths) - lengths
    firsts = np.concatenate([np.arange(start, start + length, 2) for start, length in zip(starts, lengths, strict=True)])
    counts = np.diff(np.append(firsts, len(values))).astype(np.float32)
    means = np.add.reduceat(values, firsts, axis=0) / counts[:, None]
    return means.astype(np.float32), (lengths + 1) // 2


def _halve(states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    # One more token than there is makes a partner for the last; slices of a step need no length known beforehand.
    states, mask = nn.functional.pad(states, (0, 0, 0, 1)), nn.functional.pad(mask, (0, 1))
    weights = mask.unsqueeze(-1).to(states.dtype)
    sums = states[:, 0:-1:2] * weights[:, 0:-1:2] + states[:, 1::2] * weights[:, 1::2]
    counts = weights[:, 0:-1:2] + weights[:, 1::2]
    return sums / torch.clamp(counts, min=1), torch.maximum(mask[:, 0:-1:2], mask[:, 1::2])

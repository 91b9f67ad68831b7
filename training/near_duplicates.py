"""Sentences that say nearly the same in nearly the same words.

Two sentences are near-duplicates when the Jaccard similarity of their sets of character 5-grams (lower case, within word
bounds) is at least ``THRESHOLD``: broad enough to catch a changed name, figure or tense.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

THRESHOLD: Final = 0.5

_ROUNDING: Final = 1e-9
"""So that a product that should be whole, such as 0.2 · 15, doesn't count as more than it is."""

Places = npt.NDArray[np.intp]
"""Positions in the list that is searched."""


class Pair(NamedTuple):
    """Two positions in the list that was searched, the lower first, and their similarity in [0, 1]."""

    first: int
    second: int
    similarity: float


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD, groups: Sequence[str] | None = None) -> list[Pair]:
    """Give every pair of ``texts`` at least ``threshold`` alike, most alike first; ``threshold`` is in (0, 1].

    With ``groups``, one for each text, only pairs across groups are looked for, which is the faster the larger one of them is.
    """
    if len(texts) < 2:
        return []
    grams = CountVectorizer(analyzer="char_wb", ngram_range=(5, 5), binary=True, dtype=np.int32).fit_transform(texts)
    group_of = np.arange(len(texts)) if groups is None else np.unique(groups, return_inverse=True)[1]
    # A pair across groups has a text outside the largest: to search from those is enough.
    largest = np.bincount(group_of).argmax() if groups is not None else -1
    first, second = _candidates(grams, threshold, np.flatnonzero(group_of != largest))
    across = group_of[first] != group_of[second]
    first, second = first[across], second[across]
    sizes = np.diff(grams.indptr)
    common = np.asarray(grams[first].multiply(grams[second]).sum(axis=1)).ravel()
    similarity = common / (sizes[first] + sizes[second] - common)
    kept = similarity >= threshold
    found = zip(first[kept].tolist(), second[kept].tolist(), similarity[kept].tolist(), strict=True)
    return sorted((Pair(*pair) for pair in found), key=lambda pair: -pair.similarity)


def _candidates(grams: csr_matrix, threshold: float, searched: Places) -> tuple[Places, Places]:
    """Give the pairs of one of ``searched`` with any that share one of their rare n-grams, the lower position first.

    Two sets of similarity t share an element among the n − ⌈t·n⌉ + 1 rarest of each, n being its size: the prefix filter of
    Chaudhuri, Ganti and Kaushik (2006), https://doi.org/10.1109/ICDE.2006.9. It spares the frequent n-grams, which nearly all
    texts share. What two sets share beyond those lies in the rest of one of them, so that pairs which could not reach
    t / (1 + t) of their sizes together are left out too.
    """
    frequency = np.bincount(grams.indices, minlength=grams.shape[1])
    rank = np.empty_like(frequency)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    ranked = csr_matrix((grams.data, rank[grams.indices], grams.indptr), shape=grams.shape)
    ranked.sort_indices()
    sizes = np.diff(ranked.indptr)
    lengths = np.where(sizes > 0, sizes - np.ceil(threshold * sizes - _ROUNDING).astype(sizes.dtype) + 1, 0)
    within = np.arange(ranked.nnz) - np.repeat(ranked.indptr[:-1], sizes)
    kept = within < np.repeat(lengths, sizes)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rare = csr_matrix((ranked.data[kept], ranked.indices[kept], starts), shape=grams.shape)
    shared = (rare[searched] @ rare.T).tocoo()
    first, second, rest = searched[shared.row], shared.col, sizes - lengths
    possible = shared.data + np.maximum(rest[first], rest[second])
    # Two that are both searched from come twice.
    once = (first < second) | ~np.isin(second, searched)
    kept = once & (possible * (1 + threshold) + _ROUNDING >= threshold * (sizes[first] + sizes[second]))
    return np.minimum(first[kept], second[kept]), np.maximum(first[kept], second[kept])

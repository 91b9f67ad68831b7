"""Sentences that say nearly the same in nearly the same words.

Two sentences are near-duplicates when the Jaccard similarity of their sets of character 5-grams (lower case, within word
bounds) is at least ``THRESHOLD``: broad enough to catch a changed name, figure or tense, and cheap enough to compare every
pair, since almost all pairs share nothing.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

THRESHOLD: Final = 0.5


class Pair(NamedTuple):
    """Two positions in the list that was searched, the lower first, and their similarity in [0, 1]."""

    first: int
    second: int
    similarity: float


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> list[Pair]:
    """Give every pair of ``texts`` at least ``threshold`` alike, most alike first."""
    if len(texts) < 2:
        return []
    grams = CountVectorizer(analyzer="char_wb", ngram_range=(5, 5), binary=True, dtype=np.int32).fit_transform(texts)
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    shared = (grams @ grams.T).tocoo()
    above = shared.row < shared.col
    first, second, common = shared.row[above], shared.col[above], shared.data[above]
    similarity = common / (sizes[first] + sizes[second] - common)
    kept = similarity >= threshold
    found = zip(first[kept].tolist(), second[kept].tolist(), similarity[kept].tolist(), strict=True)
    return sorted((Pair(*pair) for pair in found), key=lambda pair: -pair.similarity)

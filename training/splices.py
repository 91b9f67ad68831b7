"""Sentences put together from the beginnings and ends of real ones, for a teacher to label where real ones run out.

Where the same two words stand in two sentences, the one's beginning goes on as the other ends. What comes out reads like news,
though few of it makes sense, and is about things that no sentence brought together before. A student that has heard what its
teacher says of the same sentences four times knows them by heart; of these it has to say the same for a teacher's reasons. To
teach with text that was made for it is He et al. (2022), "Generate, Annotate, and Learn", https://arxiv.org/abs/2106.06168,
there with a language model's.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

SPLICED: Final = "spliced"
"""The origin of these sentences once a teacher has labelled them."""

_SEED: Final = 1
"""The same for every seed of a recipe, so that these read a teacher's states once."""

_KEPT: Final = 2
"""Words, at least, of the first sentence that stand before the two that it shares, and that give way behind them."""

_SHORTEST: Final = 6
_LONGEST: Final = 60
"""Words of a splice: as many as nearly all sentences of news have."""

_TRIES: Final = 20
"""Beginnings that are tried, at most, for each splice that is wanted: about three in four make one."""

Places = dict[tuple[str, str], list[tuple[int, int]]]
"""Where pairs of words stand: sentences, and the positions of the first words in them."""


def splices(texts: Sequence[str], weights: Sequence[float], most: int) -> list[str]:
    """Give at most ``most`` different sentences put together from ``texts``, none of which is among these.

    They are always the same, and fewer are the first of more. ``weights`` tell how often each of ``texts`` begins one,
    relative to the others; which one ends it, chance alone decides. There are fewer where ``texts`` have little in common.
    """
    if not texts:
        return []
    rng, words, cumulative = random.Random(_SEED), [text.split() for text in texts], list(accumulate(weights))
    places, known = _places(words), set(texts)
    found: dict[str, None] = {}
    for _ in range(most * _TRIES):
        if len(found) == most:
            break
        (first,) = rng.choices(range(len(texts)), cum_weights=cumulative)
        spliced = _spliced(first, words, places, rng)
        if spliced is not None and spliced not in known:
            found[spliced] = None
    return list(found)


def _places(words: Sequence[Sequence[str]]) -> Places:
    places: Places = defaultdict(list)
    for sentence, of_sentence in enumerate(words):
        for position, pair in enumerate(_pairs(of_sentence)):
            places[pair].append((sentence, position))
    return places


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    return list(pairwise(word.lower() for word in words))


def _spliced(first: int, words: Sequence[Sequence[str]], places: Places, rng: random.Random) -> str | None:
    """Give the sentence that begins as ``first`` and ends as another one, or ``None`` if this try makes none."""
    pairs = _pairs(words[first])
    shared = [at for at in range(_KEPT, len(pairs) - _KEPT) if len(places[pairs[at]]) > 1]
    if not shared:
        return None
    at = rng.choice(shared)
    last, position = rng.choice(places[pairs[at]])
    spliced = [*words[first][: at + 2], *words[last][position + 2 :]]
    text = " ".join(spliced)
    whole = _SHORTEST <= len(spliced) <= _LONGEST and text.count('"') % 2 == 0
    return text if whole and last != first else None

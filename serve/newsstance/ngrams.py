"""The word and character n-grams by which the linear model knows a sentence; training counts them by these same functions."""

import re
from typing import Final

_WORD: Final = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")
_WORD_ORDERS: Final = (1, 2, 3)
_CHARACTER_ORDERS: Final = (2, 3, 4, 5)


def word_ngrams(text: str) -> list[str]:
    """Give the runs of one to three words of ``text``, in lower case; a punctuation mark counts as a word."""
    words = _WORD.findall(text.lower())
    return [" ".join(words[start : start + order]) for order in _WORD_ORDERS for start in range(len(words) - order + 1)]


def character_ngrams(text: str) -> list[str]:
    """Give the runs of two to five characters within each word of ``text``, in lower case, a space on either side of it."""
    grams = []
    for word in text.lower().split():
        padded = f" {word} "
        for order in _CHARACTER_ORDERS:
            grams += [padded[start : start + order] for start in range(len(padded) - order + 1)]
    return grams


ANALYZERS: Final = {"word": word_ngrams, "character": character_ngrams}
"""The analyzers by name, in the order in which their weights stand."""

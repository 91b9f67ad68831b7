"""Real sentences that nobody has labelled, for a teacher to label: what the press articles hold besides the corpus."""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from training.corpus import Sentence
from training.errors import DownloadError
from training.near_duplicates import near_duplicates
from training.press import ORIGIN, press_sentences
from training.published import TEXTS
from training.standoff import text_hash

UNLABELLED: Final = "unlabelled"
"""The origin of these sentences once a teacher has labelled them."""

_WHOLE: Final = re.compile(r"""["'(A-Z0-9$£].{28,448}[.!?]["')]?""")
"""A sentence from its start to its end, and neither a headline nor a page of text that was never parted."""
_DAMAGED: Final = re.compile(
    r'[\ufffd\x80-\x9f|©@#]|"\?|\w"\w|\?[a-z]|[a-z]\.[A-Z]|[,.;:]-|-\s|\s-\w|http|Read more|Click|Subscribe'
)
"""Characters lost by the articles' collectors, sentences run together, and what belongs to the page instead of the article."""


def read_unlabelled(
    sentences: Sequence[Sentence], most: int, texts: Path = TEXTS, labelled: Iterable[str] = ()
) -> list[str]:  # fmt: skip
    """Give at most ``most`` press sentences that aren't among ``sentences``, nor have an id in ``labelled``.

    They are always the same, and fewer lie within more.
    Of an article with held-out sentences there are none, nor is there a near-duplicate of a held-out one. Where the articles
    can't be downloaded it says so on standard error, and gives none.
    """
    if not most:
        return []
    held_out = [sentence for sentence in sentences if sentence.split != "train"]
    found = {text_hash(text): text for text in _press(held_out, texts) if _is_whole(text)}
    for identity in (*(sentence.id for sentence in sentences), *labelled):
        found.pop(identity, None)
    return _apart([found[identity] for identity in sorted(found)[:most]], held_out)


def _press(held_out: Sequence[Sentence], texts: Path) -> list[str]:
    blocks = {sentence.block for sentence in held_out}
    try:
        articles = list(press_sentences(texts))
    except DownloadError as error:
        print(f"going on without unlabelled sentences: {error}", file=sys.stderr)
        return []
    return [text for article, text in articles if f"{ORIGIN}-{article}" not in blocks]


def _is_whole(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text)) and not _DAMAGED.search(text) and text.count('"') % 2 == 0


def _apart(chosen: Sequence[str], held_out: Sequence[Sentence]) -> list[str]:
    """Give those of ``chosen`` that no held-out sentence is nearly a copy of: news agencies serve many papers."""
    texts = [*chosen, *(sentence.text for sentence in held_out)]
    groups = ["chosen"] * len(chosen) + ["held out"] * len(held_out)
    copies = {pair.first for pair in near_duplicates(texts, groups=groups)}
    return [text for place, text in enumerate(chosen) if place not in copies]

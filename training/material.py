"""What models are trained and measured on: the corpus, and the real news that stands beside it."""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.annotations import VOTES_PATH, Vote, read_votes
from training.check_data import breaches
from training.corpus import CORPUS_PATH, Sentence, read_corpus
from training.editorials import EDITORIALS_PATH, read_editorials
from training.editorials import ORIGIN as EDITORIAL
from training.errors import CorpusError, DownloadError
from training.news import NEWS_PATH, read_news
from training.news import ORIGIN as LEE
from training.press import HARD_ORIGIN, HARD_PATH, PRESS_PATH, read_press
from training.press import ORIGIN as PRESS

_READERS: Final[tuple[tuple[Path, Callable[[Path], list[Sentence]]], ...]] = (
    (NEWS_PATH, read_news),
    (EDITORIALS_PATH, read_editorials),
    (PRESS_PATH, read_press),
    (HARD_PATH, read_press),
)
"""The labels of what is real, and who reads them."""

REAL: Final = frozenset({LEE, EDITORIAL, PRESS, HARD_ORIGIN})
"""The origins of sentences that somebody published."""


@dataclass(frozen=True)
class Material:
    """All labelled sentences, the annotators' votes on them by id, and one SHA-256, in hex, over the files they come from.

    ``path`` is the corpus file; the others lie beside it.
    """

    path: Path
    sentences: Sequence[Sentence]
    votes: dict[str, list[Vote]]
    sha256: str


def read_sound_material(corpus: Path = CORPUS_PATH) -> Material:
    """Read the material and check it; raises ``CorpusError`` if it breaks a rule of ``check_data``."""
    material = read_material(corpus)
    found = breaches(material.sentences, material.votes)
    if found:
        raise CorpusError(f"{corpus}: {len(found)} breaches, the first: {found[0]}; see `python -m training check-data`")
    return material


def read_material(corpus: Path = CORPUS_PATH) -> Material:
    """Read the corpus at ``corpus`` and, where they lie beside it, the labels of real sentences and the annotators' votes.

    Where a text that labels belong to can't be downloaded it goes on without, says so on standard error, and has another hash.
    """
    votes = corpus.parent / VOTES_PATH.relative_to(CORPUS_PATH.parent)
    sentences, sources = read_corpus(corpus), [corpus, votes]
    for path, read in _READERS:
        labels = corpus.parent / path.name
        found = _read_real(labels, read) if labels.is_file() else []
        sentences += found
        sources += [labels] if found else []
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return Material(corpus, sentences, _votes_on(sentences, votes) if votes.is_file() else {}, digest.hexdigest())


def real_or_all(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Give the real ones of ``sentences``, or all where none is."""
    return [sentence for sentence in sentences if sentence.origin in REAL] or list(sentences)


def _read_real(labels: Path, read: Callable[[Path], list[Sentence]]) -> list[Sentence]:
    try:
        return read(labels)
    except DownloadError as error:
        print(f"going on without the sentences of {labels}: {error}", file=sys.stderr)
        return []


def _votes_on(sentences: Sequence[Sentence], path: Path) -> dict[str, list[Vote]]:
    """Give the votes on ``sentences``; there are others where a text couldn't be had."""
    there = {sentence.id for sentence in sentences}
    return {identity: cast for identity, cast in read_votes(path).items() if identity in there}

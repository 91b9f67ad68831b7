"""What models are trained and measured on: the corpus, and the real news that stands beside it."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.annotations import VOTES_PATH, Vote, read_votes
from training.check_data import breaches
from training.corpus import CORPUS_PATH, Sentence, read_corpus
from training.editorials import EDITORIALS_PATH, read_editorials
from training.errors import CorpusError, DownloadError
from training.news import NEWS_PATH, read_news


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
    """Read the corpus at ``corpus`` and, where they lie beside it, the labels of real news and the annotators' votes.

    Where the editorials' text can't be downloaded it goes on without them, says so on standard error, and has another hash.
    """
    news, votes = corpus.parent / NEWS_PATH.name, corpus.parent / VOTES_PATH.relative_to(CORPUS_PATH.parent)
    labels = corpus.parent / EDITORIALS_PATH.name
    editorials = _editorials(labels) if labels.is_file() else []
    sentences = [*read_corpus(corpus), *(read_news(news) if news.is_file() else []), *editorials]
    digest = hashlib.sha256()
    for path in (corpus, news, votes, *([labels] if editorials else [])):
        digest.update(path.read_bytes() if path.is_file() else b"")
    return Material(corpus, sentences, read_votes(votes) if votes.is_file() else {}, digest.hexdigest())


def _editorials(labels: Path) -> list[Sentence]:
    try:
        return read_editorials(labels)
    except DownloadError as error:
        print(f"going on without the editorials of {labels}: {error}", file=sys.stderr)
        return []

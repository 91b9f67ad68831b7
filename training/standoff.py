"""Stand-off labels: ours are the labels, the sentences stay where they are published, and the two are joined here.

A label names a sentence by its document, its place there and the hash of its text. A sentence's block is its document, so
that a document lies in one split.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from training.corpus import Sentence, sentence_id
from training.errors import CorpusError


def join(labels: Path, sentences: Iterable[str], origin: str, published: str) -> list[Sentence]:
    """Give the labelled ones of the published ``sentences``, whose white space is folded, in the order of ``labels``.

    Raises ``CorpusError`` if one isn't there, telling in the words of ``published`` where it should be and what to do.
    """
    texts = {text_hash(sentence): sentence for sentence in sentences}
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    missing = next((row for row in rows if row["hash"] not in texts), None)
    if missing is not None:
        what = f"{missing['hash']}, sentence {missing['position']} of document {missing['document']}"
        raise CorpusError(f"{labels}: {what}, isn't in {published}")
    return [_sentence(row, texts[row["hash"]], origin) for row in rows]


def text_hash(sentence: str) -> str:
    """Give the hash by which a label names a sentence: the id of its text, white space folded."""
    return sentence_id(fold(sentence))


def fold(sentence: str) -> str:
    """Give ``sentence`` with single spaces for white space."""
    return " ".join(sentence.split())


def _sentence(row: dict[str, str], text: str, origin: str) -> Sentence:
    return Sentence(
        id=row["hash"],
        text=text,
        stance=row["stance"],
        sentiment=row["sentiment"],
        topic="",
        origin=origin,
        block=f"{origin}-{row['document']}",
        split=row["split"],
        votes=int(row["votes"]),
        agreement=float(row["agreement"]),
    )

"""Bring tab-separated files of labelled sentences into the corpus, with its splits and what the annotators decided."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from training.annotations import read_votes, with_votes
from training.corpus import Sentence, write_corpus
from training.errors import CorpusError
from training.split import SEED, assign_splits

FIELDS: Final = ("id", "stance", "sentiment", "topic", "origin", "block", "text")
"""The fields of a source, tab separated under a header line and unquoted."""


def import_corpus(sources: Sequence[Path], target: Path, votes: Path | None = None, seed: int = SEED) -> list[Sentence]:
    """Read ``sources``, assign the splits by ``seed``, and write the corpus to ``target``; give its sentences.

    Where ``votes`` has votes on a sentence, they decide its labels. Raises ``CorpusError`` if a source isn't there or lacks
    one of ``FIELDS``.
    """
    rows = [row for source in sources for row in _read(source)]
    cast = read_votes(votes) if votes else {}
    decided = [with_votes(row, cast[row.id]) if row.id in cast else row for row in rows]
    sentences = assign_splits(decided, seed)
    write_corpus(sentences, target)
    return sentences


def _read(source: Path) -> list[Sentence]:
    if not source.is_file():
        raise CorpusError(f"{source}: no such file")
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = {*FIELDS} - {*(reader.fieldnames or ())}
        if missing:
            raise CorpusError(f"{source}: the header line lacks {', '.join(sorted(missing))}")
        return [Sentence(**{name: row[name] for name in FIELDS}, split="") for row in reader]  # type: ignore[arg-type]

"""Bring a tab-separated file of labelled sentences into the corpus, with its splits."""

import csv
from pathlib import Path

from training.corpus import FIELDS, Sentence, write_corpus
from training.errors import CorpusError
from training.split import SEED, assign_splits


def import_corpus(source: Path, target: Path, seed: int = SEED) -> list[Sentence]:
    """Read ``source``, assign the splits by ``seed`` and write the corpus to ``target``; give its sentences.

    ``source`` has a header line and the corpus's fields but for ``split``, tab separated and unquoted. Raises
    ``CorpusError`` if it isn't there or lacks a field.
    """
    if not source.is_file():
        raise CorpusError(f"{source}: no such file")
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = {*FIELDS} - {"split"} - {*(reader.fieldnames or ())}
        if missing:
            raise CorpusError(f"{source}: the header line lacks {', '.join(sorted(missing))}")
        rows = [Sentence(**{name: row[name] for name in FIELDS if name != "split"}, split="") for row in reader]
    sentences = assign_splits(rows, seed)
    write_corpus(sentences, target)
    return sentences

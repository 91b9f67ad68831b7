"""What models said of sentences that they didn't train on, kept beside the corpus: others learn from it."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from newsstance.files import write_atomically
from newsstance.labels import HEADS
from newsstance.models import Floats
from training.corpus import CORPUS_PATH, Sentence, label_indices, read_lines, sentence_id
from training.errors import CorpusError
from training.recipe import CROSS_FIT, TeacherSettings
from training.teach import Lesson

LESSONS_PATH: Final = Path("data/lessons.tsv")
_COLUMNS: Final = ("id", *(label for labels in HEADS.values() for label in labels))
_WHOLE: Final = 1000
"""Probabilities are kept in thousandths: finer than models of another seed agree."""

Lessons = Mapping[str, Mapping[str, Floats]]
"""By sentence id and head: the probabilities of its labels, of shape (labels,)."""


def lessons_beside(corpus: Path) -> Path:
    """Give the place of the lessons of the corpus at ``corpus``, whether there are any or not."""
    return corpus.parent / LESSONS_PATH.relative_to(CORPUS_PATH.parent)


def lessons_sha256(path: Path) -> str | None:
    """Give the SHA-256, in hex, of the lessons at ``path``; ``None`` if there are none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def read_lessons(path: Path) -> Lessons:
    """Read the lessons at ``path``; raises ``CorpusError`` if it isn't UTF-8 or holds other rows than those."""
    rows = [line.split("\t") for line in read_lines(path)]
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise CorpusError(f"{path}: its columns aren't {', '.join(_COLUMNS)}")
    lessons = {row[0]: _probabilities(row, f"{path}:{number}") for number, row in enumerate(rows[1:], start=2)}
    if len(lessons) != len(rows) - 1:
        raise CorpusError(f"{path}: {len(rows) - 1 - len(lessons)} of its ids stand there twice")
    return lessons


def write_lessons(lessons: Lessons, path: Path) -> None:
    """Write ``lessons`` to ``path``, in the order of their ids, replacing the file only when all is written."""
    lines = ["\t".join(_COLUMNS)]
    for identity in sorted(lessons):
        values = np.concatenate([lessons[identity][head] for head in HEADS])
        lines.append("\t".join([identity, *(str(round(float(value) * _WHOLE)) for value in values)]))
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def leaks(corpus: Path, sentences: Sequence[Sentence]) -> list[str]:
    """Give a line for each held-out one of ``sentences`` that the lessons beside ``corpus`` tell of."""
    path = lessons_beside(corpus)
    lessons = read_lessons(path) if path.is_file() else {}
    held_out = [sentence for sentence in sentences if sentence.split != "train"]
    return [f"{path} tells of {one.id}, a sentence of {one.split}" for one in held_out if one.id in lessons]


def require_sound_lessons(corpus: Path, sentences: Sequence[Sentence]) -> None:
    """Raise ``CorpusError`` if the lessons beside ``corpus`` can't be read, or tell of held-out ones of ``sentences``."""
    found = leaks(corpus, sentences)
    if found:
        remedy = "make them anew with `python -m training cross-fit`, or delete the file"
        raise CorpusError(f"{found[0]} ({len(found)} such): {remedy}")


def recorded_lesson(
    settings: TeacherSettings, path: Path, train: Sequence[Sentence], unlabelled: Sequence[str]
) -> tuple[Lesson, list[str]]:
    """Give the lesson at ``path`` about ``train`` and those of ``unlabelled`` that it knows, and which ones these are.

    Of a training sentence that it doesn't know it says what the label says, and how many those are on standard error.
    """
    lessons = read_lessons(path)
    strange = sum(sentence.id not in lessons for sentence in train)
    if strange:
        print(f"{path} is silent on {strange:,} of {len(train):,} training sentences: labels teach those", file=sys.stderr)
    known = [text for text in unlabelled if sentence_id(text) in lessons][: settings.unlabelled]
    said = {head: _of_head(head, lessons, train, known) for head in HEADS}
    return Lesson(settings, CROSS_FIT, lessons_sha256(path) or "", said), known


def _of_head(head: str, lessons: Lessons, train: Sequence[Sentence], known: Sequence[str]) -> Floats:
    labels = np.eye(len(HEADS[head]), dtype=np.float32)[label_indices(train, head)]
    rows = [lessons[s.id][head] if s.id in lessons else label for s, label in zip(train, labels, strict=True)]
    rows += [lessons[sentence_id(text)][head] for text in known]
    return np.stack(rows)


def _probabilities(row: Sequence[str], place: str) -> dict[str, Floats]:
    if len(row) != len(_COLUMNS) or not all(value.isdecimal() for value in row[1:]):
        raise CorpusError(f"{place}: a row holds an id and {len(_COLUMNS) - 1} whole numbers")
    values, found, start = np.array(row[1:], dtype=np.float32), {}, 0
    for head, labels in HEADS.items():
        of_head = values[start : start + len(labels)]
        if abs(of_head.sum() - _WHOLE) > len(labels):  # each may be off by a half in rounding
            raise CorpusError(f"{place}: the numbers of {head} add up to {of_head.sum():.0f} instead of {_WHOLE}")
        found[head] = of_head / of_head.sum()
        start += len(labels)
    return found

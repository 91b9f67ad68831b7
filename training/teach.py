"""What a teacher makes of sentences: asked once, kept, and asked again only when it or they change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load, save

from newsstance import ModelNotFoundError, Predictor
from newsstance.bundle import read_bundle
from newsstance.files import write_atomically
from newsstance.identity import bundle_sha256
from newsstance.labels import HEADS
from newsstance.locate import CHAMPION, locate_model
from newsstance.models import Floats, likeliest
from training.corpus import Sentence, sentence_id
from training.errors import RecipeError
from training.progress_bar import progress_bar
from training.recipe import TeacherSettings

LESSONS: Final = ".lessons"
"""The folder in ``models/`` that keeps what teachers said."""

_AT_ONCE: Final = 512
"""Sentences asked before the answers are saved: less than a minute's work of the slowest teacher."""


@dataclass(frozen=True)
class Lesson:
    """A teacher's probabilities of sentences: by head, of shape (sentences, labels), and how to learn from them.

    ``sha256`` is that of all that shapes the teacher's scores.
    """

    settings: TeacherSettings
    name: str
    sha256: str
    probabilities: Mapping[str, Floats]


def find_model(name: str, models: Path, recipe: str) -> Path:
    """Give the folder of the exported model called ``name`` in ``models``, which may be ``champion``, or at the path ``name``.

    Raises ``RecipeError``, saying what to train first, if the model that ``recipe`` builds on isn't there.
    """
    try:
        return locate_model(models / name if (models / name).exists() or Path(name).name == name else Path(name))
    except ModelNotFoundError as error:
        first = "`make train` makes one" if name == CHAMPION else "train that first"
        raise RecipeError(f"the recipe {recipe!r} builds on the model {name!r}, which isn't in {models}/: {first}") from error


def learn_from(settings: TeacherSettings, models: Path, recipe: str, texts: Sequence[str]) -> Lesson:
    """Ask the teacher of ``recipe`` for its probabilities of ``texts``; what it said before is read, not asked again.

    An interrupted teaching goes on where it stopped. Raises ``RecipeError`` if there is no teacher.
    """
    folder = find_model(settings.model, models, recipe)
    teacher = read_bundle(folder)
    sha256 = bundle_sha256(teacher)
    digest = hashlib.sha256(json.dumps([sha256, *texts]).encode()).hexdigest()
    path = models / LESSONS / f"{digest[:16]}.safetensors"
    said = load(path.read_bytes()) if path.is_file() else _nothing()
    if len(said["stance"]) < len(texts):
        said = _ask(Predictor.load(folder), texts, said, path)
    return Lesson(settings, teacher.name, sha256, said)


def pseudo_labelled(texts: Sequence[str], lesson: Lesson, origin: str) -> list[Sentence]:
    """Give ``texts``, the last that ``lesson`` is about, as sentences of ``origin`` to train on.

    They have nobody's vote, and the teacher's labels.
    """
    first = len(lesson.probabilities["stance"]) - len(texts)
    stances, sentiments = (likeliest(head, lesson.probabilities[head][first:]) for head in HEADS)
    return [
        Sentence(
            sentence_id(text), text, stance, sentiment, "", origin, origin, "train", votes=0, agreement=0.0
        )
        for text, stance, sentiment in zip(texts, stances, sentiments, strict=True)
    ]  # fmt: skip


def _nothing() -> dict[str, Floats]:
    return {head: np.empty((0, len(labels)), np.float32) for head, labels in HEADS.items()}


def _ask(teacher: Predictor, texts: Sequence[str], said: Mapping[str, Floats], path: Path) -> dict[str, Floats]:
    heads, done = dict(said), len(said["stance"])
    with progress_bar(f"asking {teacher.bundle.name}", len(texts), "sentence", done) as bar:
        for start in range(done, len(texts), _AT_ONCE):
            answers = teacher.probabilities(texts[start : start + _AT_ONCE])
            heads = {head: np.concatenate([heads[head], answers[head]]) for head in HEADS}
            write_atomically(path, save(heads))
            bar.update(len(answers["stance"]))
    return heads

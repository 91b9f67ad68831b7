"""What an encoder learns: the sentences that train, and what its teachers say of them."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from newsstance.labels import HEADS, NO_STANCE, STANCES
from training.corpus import Sentence, of_split
from training.export import Origin
from training.lessons import lessons_beside, recorded_lesson
from training.material import REAL, Material
from training.splices import SPLICED, splices
from training.teach import Lesson, learn_from, pseudo_labelled
from training.teach_states import TaughtStates, ask_for_states, states_teacher
from training.unlabelled import UNLABELLED, read_unlabelled

_PLAIN: Final = 0.3
"""How often a sentence that surely takes no stance begins a splice, where one that surely takes one does 1.3 times.

Four in five real sentences take none, and it is the others that are hard.
"""


class Curriculum(NamedTuple):
    """The sentences that train, those that only a teacher has labelled behind the others, and what teachers say of them all."""

    train: list[Sentence]
    lesson: Lesson | None
    taught: TaughtStates | None

    def told(self) -> dict[str, Any]:
        """Give what the model's bundle tells of its teachers; nothing if it has none."""
        if self.lesson is None:
            return {}
        counts = {origin: sum(one.origin == origin for one in self.train) for origin in (UNLABELLED, SPLICED)}
        states = {"states": {"name": self.taught.name, "sha256": self.taught.sha256}} if self.taught else {}
        return {"teacher": {"name": self.lesson.name, "sha256": self.lesson.sha256, **counts, **states}}


def curriculum(origin: Origin, material: Material) -> Curriculum:
    """Have the teachers of the recipe say what there is to say; what they said before is read, not asked again.

    Raises ``RecipeError`` if one of them isn't there, or its tokens aren't the recipe's.
    """
    train, lesson = _lesson(origin, material)
    teacher = origin.recipe.teacher
    if teacher is None or lesson is None or not teacher.states:
        return Curriculum(train, lesson, None)
    spliced = _splices(train, lesson, teacher.spliced)
    taught = ask_for_states(origin.recipe, origin.models, [*(sentence.text for sentence in train), *spliced])
    lesson = _with_answers(lesson, taught, len(train))
    return Curriculum(train + pseudo_labelled(spliced, lesson, SPLICED), lesson, taught)


def _lesson(origin: Origin, material: Material) -> tuple[list[Sentence], Lesson | None]:
    """Give the sentences that train, those that only a teacher has labelled among them, and what it said of them all."""
    train, teacher = of_split(material.sentences, "train"), origin.recipe.teacher
    if teacher is None:
        return train, None
    lessons = lessons_beside(material.path)
    if origin.recipe.learns_lessons and not lessons.is_file():
        print(f"{origin.recipe.name}: learning from labels alone, since there are no lessons at {lessons}", file=sys.stderr)
        return train, None
    if teacher.states:
        states_teacher(origin.recipe, origin.models)  # where there is none, that is told before texts are fetched
    unlabelled = read_unlabelled(material.sentences, teacher.unlabelled, labelled=material.votes)
    if origin.recipe.learns_lessons:
        lesson, unlabelled = recorded_lesson(teacher, lessons, train, unlabelled)
    else:
        lesson = learn_from(teacher, origin.models, origin.recipe.name, [*(one.text for one in train), *unlabelled])
    return train + pseudo_labelled(unlabelled, lesson, UNLABELLED), lesson


def _splices(train: Sequence[Sentence], lesson: Lesson, most: int) -> list[str]:
    """Give splices of the real ones of ``train``, or of all where none is, the more often those that may take a stance."""
    real = [row for row, one in enumerate(train) if one.origin in {*REAL, UNLABELLED}] or range(len(train))
    none = lesson.probabilities["stance"][:, STANCES.index(NO_STANCE)].tolist()
    return splices([train[row].text for row in real], [_PLAIN + 1 - none[row] for row in real], most)


def _with_answers(lesson: Lesson, taught: TaughtStates, first: int) -> Lesson:
    """Give ``lesson`` with what the teacher of states answers from its sentence ``first`` on, of which ``lesson`` is silent."""
    said = {head: np.concatenate([lesson.probabilities[head], taught.probabilities[head][first:]]) for head in HEADS}
    return replace(lesson, probabilities=said)

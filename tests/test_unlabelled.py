"""Real sentences without labels: whole ones, of articles that aren't held out, for a teacher alone to label."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from newsstance.labels import HEADS
from training import unlabelled
from training.corpus import Sentence, sentence_id
from training.errors import DownloadError
from training.recipe import DataSettings, TeacherSettings
from training.targets import targets
from training.teach import Lesson, pseudo_labelled
from training.unlabelled import UNLABELLED, read_unlabelled

LABELLED = "Ministers of nine countries met in Oslo on Monday."
HELD_OUT = "The central bank left interest rates where they were, as expected."
FREE = (
    "Rain has fallen on the northern coast for three weeks now.",
    'The mayor said: "We open the new bridge in the spring of next year."',
    "Doctors at both hospitals have gone back to work this morning.",
)
REFUSED = (
    "A headline without a full stop that is long enough",
    "Short.",
    "and so begins what was the end of another sentence.",
    'The envoy said the talks would go on" until the end of the week.',
    "The strike is over.The trains run again from tomorrow morning.",
    "Read more: what the ministers decided at their meeting in Oslo.",
    "The central bank left interest rates where they were, as was expected.",
)
"""Sentences that aren't whole, aren't of an article, or are nearly what is held out."""


def sentence(text: str, block: str, split: str) -> Sentence:
    return Sentence(sentence_id(text), text, "none", "neutral", "", block.split("-")[0], block, split)


CORPUS = [sentence(LABELLED, "press-1", "train"), sentence(HELD_OUT, "press-2", "validation")]


@pytest.fixture
def articles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have three articles be published: one with a labelled sentence, one held out, one with what isn't whole."""

    def press_sentences(texts: Path) -> Iterator[tuple[str, str]]:
        yield from (("1", text) for text in (LABELLED, *FREE))
        yield from (("2", text) for text in (HELD_OUT, "It will meet again in the first week of the new year."))
        yield from (("3", text) for text in REFUSED)

    monkeypatch.setattr(unlabelled, "press_sentences", press_sentences)


@pytest.mark.usefixtures("articles")
def test_only_whole_sentences_apart_from_all_that_is_labelled_or_held_out_are_given() -> None:
    assert sorted(read_unlabelled(CORPUS, 100)) == sorted(FREE)
    assert sorted(read_unlabelled(CORPUS, 100, labelled=[sentence_id(FREE[0])])) == sorted(FREE[1:])


@pytest.mark.usefixtures("articles")
def test_fewer_lie_within_more_and_none_are_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    held_out = CORPUS[1:]
    most = read_unlabelled(held_out, 4)
    assert read_unlabelled(held_out, 2) == most[:2]
    assert LABELLED in most
    monkeypatch.setattr(unlabelled, "press_sentences", None)
    assert read_unlabelled(CORPUS, 0) == []


def test_articles_that_cannot_be_downloaded_cost_a_line_not_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press_sentences(texts: Path) -> Iterator[tuple[str, str]]:
        raise DownloadError("no network")

    monkeypatch.setattr(unlabelled, "press_sentences", press_sentences)
    assert read_unlabelled(CORPUS, 5) == []
    assert capsys.readouterr().err == "going on without unlabelled sentences: no network\n"


def test_a_pseudo_label_is_the_teachers_alone() -> None:
    said = {head: np.full((2, len(labels)), 0.1, np.float32) for head, labels in HEADS.items()}
    for head, labels in HEADS.items():
        said[head][:, -1] = 1 - 0.1 * (len(labels) - 1)
    lesson = Lesson(TeacherSettings(weight=0.25), "x", "", said)
    (pseudo,) = pseudo_labelled([FREE[0]], lesson, UNLABELLED)
    assert (pseudo.stance, pseudo.sentiment, pseudo.votes) == (HEADS["stance"][-1], HEADS["sentiment"][-1], 0)
    learnt = targets([CORPUS[0], pseudo], {}, DataSettings(), lesson).labels["stance"]
    np.testing.assert_allclose(learnt[1], said["stance"][1], rtol=1e-6)
    np.testing.assert_allclose(learnt[0], 0.75 * np.eye(4)[HEADS["stance"].index("none")] + 0.25 * said["stance"][0], rtol=1e-6)

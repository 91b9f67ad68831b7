"""What of the corpus a recipe trains on."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.made import made_sentences
from training.annotations import Vote
from training.corpus import Sentence, of_split
from training.recipe import DataSettings
from training.selection import select
from training.split import assign_splits

ROWS = assign_splits(made_sentences())


def ids(sentences: Sequence[Sentence], split: str) -> set[str]:
    return {sentence.id for sentence in of_split(sentences, split)}


def test_a_recipe_that_asks_for_nothing_trains_on_everything() -> None:
    assert select(ROWS, {}, DataSettings()) == ROWS


def test_a_smaller_share_lies_within_a_larger_one_and_leaves_the_other_splits_whole() -> None:
    half, eighth = (select(ROWS, {}, DataSettings(share=share)) for share in (0.5, 0.125))
    assert ids(eighth, "train") < ids(half, "train") < ids(ROWS, "train")
    assert len(of_split(half, "train")) / len(of_split(ROWS, "train")) == pytest.approx(0.5, abs=0.12)
    for split in ("validation", "test"):
        assert ids(eighth, split) == ids(ROWS, split)


def test_only_the_origins_asked_for_train() -> None:
    assert not of_split(select(ROWS, {}, DataSettings(origins=["wire"])), "train")
    assert select(ROWS, {}, DataSettings(origins=["made"])) == ROWS


def test_an_origin_can_train_less_than_the_others() -> None:
    rows = [replace(row, origin="clear" if place % 2 else "news") for place, row in enumerate(ROWS)]
    chosen = of_split(select(rows, {}, DataSettings(share=0.5, shares={"clear": 0.25})), "train")
    halved, eighth = (of_split(select(rows, {}, DataSettings(share=share)), "train") for share in (0.5, 0.125))
    assert [row for row in chosen if row.origin == "news"] == [row for row in halved if row.origin == "news"]
    assert [row for row in chosen if row.origin == "clear"] == [row for row in eighth if row.origin == "clear"]


def test_first_votes_relabel_what_trains_and_nothing_else() -> None:
    votes = {row.id: [Vote(row.id, "first", "alarmed", "negative")] for row in ROWS}
    chosen = select(ROWS, votes, DataSettings(votes="first"))
    assert {row.stance for row in of_split(chosen, "train")} == {"alarmed"}
    assert of_split(chosen, "test") == of_split(ROWS, "test")

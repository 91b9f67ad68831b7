"""What of the corpus a recipe trains on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.made import made_sentences, tiny_encoder_recipe, tiny_linear_recipe
from training.annotations import Vote
from training.cli import main
from training.corpus import Sentence, of_split
from training.errors import RecipeError
from training.material import Material
from training.recipe import CascadeSettings, DataSettings, Recipe
from training.selection import select, trained_on
from training.split import assign_splits

ROWS = assign_splits(made_sentences())
MATERIAL = Material(Path("corpus.jsonl"), ROWS, {}, "0" * 64)


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
    rows = [replace(row, origin="clear" if place % 2 else "news") for place, row in enumerate(ROWS)]
    assert {row.origin for row in of_split(select(rows, {}, DataSettings(origins=["news"])), "train")} == {"news"}
    assert select(ROWS, {}, DataSettings(origins=["made"])) == ROWS


@pytest.mark.parametrize("settings", [DataSettings(origins=["made", "Made"]), DataSettings(shares={"Made": 0.5})])
def test_an_origin_that_is_not_there_is_told_with_those_that_are(settings: DataSettings) -> None:
    with pytest.raises(RecipeError, match=r"'Made'; there are: made$") as error:
        trained_on(replace(tiny_linear_recipe(), data=settings), MATERIAL)
    assert str(error.value).startswith("floor: data.")


def test_less_of_an_origin_of_ours_can_be_asked_of_a_corpus_without_it() -> None:
    assert select(ROWS, {}, DataSettings(shares={"wire-hard": 0.3})) == ROWS
    with pytest.raises(RecipeError, match="'wire-hard'"):
        select(ROWS, {}, DataSettings(origins=["wire-hard"]))


def test_a_selection_that_leaves_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"^floor: \[data\] leaves no sentence to train on"):
        trained_on(replace(tiny_linear_recipe(), data=DataSettings(share=1e-9)), MATERIAL)


def test_only_an_encoder_trains_without_a_label(encoder: Path) -> None:
    rows = [row for row in ROWS if row.split != "train" or row.stance != "cautious"]
    without = replace(MATERIAL, sentences=rows)
    with pytest.raises(RecipeError, match="none has the stance 'cautious'"):
        trained_on(tiny_linear_recipe(), without)
    assert trained_on(tiny_encoder_recipe(encoder), without).sentences == rows


def test_a_cascade_trains_on_nothing() -> None:
    left = trained_on(Recipe("both", "two", cascade=CascadeSettings()), MATERIAL).sentences
    assert left == [row for row in ROWS if row.split != "train"]


@pytest.mark.parametrize("command", [["train"], ["sweep", "--seeds", "2"], ["curve"]])
def test_a_misspelt_origin_costs_no_run_and_one_line(
    command: list[str], corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('description = "x"\n[linear]\n[data]\norigins = ["Lee"]\n')
    places = ["--corpus", str(corpus), "--models", str(tmp_path / "models"), "--store", str(tmp_path / "mlruns")]
    assert main([*command, str(recipe), *places]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: mine: data.origins: no sentence that trains has")
    assert not (tmp_path / "mlruns").exists()


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

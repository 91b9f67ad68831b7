"""Recipes: what is read, and what a user is told of a slip."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsstance.locate import CHAMPION
from tests.made import tiny_linear_recipe
from training.as_trained import TRAINED
from training.champion import CHAMPIONS
from training.cli import main
from training.curve import CURVE_MODELS
from training.errors import RecipeError
from training.fetch_encoder import ENCODERS
from training.published import TEXTS
from training.read_recipe import load_recipe, recipe_names
from training.recipe import CROSS_FIT
from training.sweep import SEED_MODELS


@pytest.mark.parametrize("name", recipe_names())
def test_each_recipe_that_ships_is_valid_and_named_after_its_file(name: str) -> None:
    assert load_recipe(name).name == name


def test_tfidf_and_minilm_ship() -> None:
    assert {"tfidf", "minilm"} <= set(recipe_names())
    assert (load_recipe("tfidf").kind, load_recipe("minilm").kind) == ("linear", "encoder")


SLIPS = [
    ("not toml at all", "not TOML"),
    ('description = "x"', r"either a \[linear\], an \[encoder\], a \[cascade\] or an \[early_exit\] table"),
    ('description = "x"\n[linear]\n[encoder]\nencoder = "y"', "either a"),
    ('description = "x"\n[encoder]', "encoder.encoder: field required"),
    ('description = "x"\n[encoder]\nencoder = "y"\nepoch = 3', "encoder.epoch: there is no such setting"),
    ('description = "x"\n[encoder]\nencoder = "y"\nepochs = 0', r"encoder.epochs: .*greater than or equal to 1 \(given: 0\)"),
    ('description = "x"\n[encoder]\nencoder = "y"\nlearning_rate = "fast"', "encoder.learning_rate: .*given: 'fast'"),
    ('description = "x"\n[encoder]\nencoder = "y"\npooling = "max"', "encoder.pooling: .*'mean' or 'cls'"),
    ('description = "x"\nseed = 1.5\n[linear]', "seed: "),
    ('name = "A B"\ndescription = "x"\n[linear]', "name: "),
    ("[linear]", "description: field required"),
    ('name = "trained"\ndescription = "x"\n[linear]', "can't be called 'trained'"),
    ('description = "x"\n[encoder]\nencoder = "y"\nr_drop = 0.5\ndropout = 0.0', "encoder: r_drop compares two passes"),
    ('description = "x"\n[encoder]\nencoder = "y"\nr_drop = -1.0', "encoder.r_drop: "),
    ('description = "x"\n[linear]\n[data]\nvotes = "shares"', r"only an \[encoder\] learns the shares of votes"),
    ('description = "x"\n[linear]\n[data]\nvotes = "none"', "data.votes: .*'all', 'first' or 'shares'"),
    ('description = "x"\n[linear]\n[data.weights]\nlee = 0.0', "data.weights.lee: .*greater than 0"),
    ('description = "x"\nseed = 5000000000\n[linear]', "seed: "),
    ('description = "x"\n[encoder]\nencoder = "y"\nweight_decay = inf', "encoder.weight_decay: "),
]


@pytest.mark.parametrize(
    "folder", [CHAMPION, CHAMPIONS, CURVE_MODELS, SEED_MODELS, TRAINED, ENCODERS.name, TEXTS.name, CROSS_FIT]
)
def test_no_recipe_is_called_like_a_folder_that_its_model_would_take_the_place_of(folder: str) -> None:
    with pytest.raises(ValueError, match="meaning of its own in models/"):
        replace(tiny_linear_recipe(), name=folder)


@pytest.mark.parametrize(("content", "message"), SLIPS, ids=[message for _, message in SLIPS])
def test_a_slip_is_told_in_one_line_that_names_the_file_and_the_setting(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe(str(path))
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_an_unknown_recipe_is_told_with_its_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tfdif"]) == 1
    assert "did you mean 'tfidf'?" in capsys.readouterr().err
    assert main(["train", "nowhere.toml"]) == 1
    assert "nowhere.toml: there is no such recipe file" in capsys.readouterr().err

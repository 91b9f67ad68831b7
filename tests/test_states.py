"""A teacher's states of every token: read once, learnt besides the labels, and gone when the model is there."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from mlflow import MlflowClient
from safetensors.torch import load_file

from newsstance import Predictor
from newsstance.bundle import Bundle, read_bundle
from newsstance.identity import bundle_sha256
from newsstance.labels import NO_STANCE, STANCES
from newsstance.locate import name_champion
from newsstance.models import Floats
from newsstance.tokens import TOKENIZER_FILE, Ids, Window, Windows
from tests.conftest import Trained
from tests.made import interrupt_training, tiny_encoder_recipe, tiny_linear_recipe
from training import states, teach_states
from training.as_trained import TRAINED
from training.champion import challenges
from training.curriculum import curriculum
from training.errors import RecipeError
from training.export import Origin
from training.material import Material, read_material
from training.network_answers import first_windows
from training.recipe import Recipe, TeacherSettings
from training.run_spec import STATES_TAG
from training.splices import SPLICED
from training.states import States, forget_states, read_states
from training.store import store_uri
from training.sweep import sweep, trained_before
from training.teach_states import states_path
from training.train import train
from training.weights import WEIGHTS_FILE

TEXTS = [f"Qwertyui hopes {'asdfghjk ' * length}." for length in range(1, 9)]


Read = tuple[Floats, Floats]


def states_by_id(ids: Ids, mask: Ids) -> Read:
    """Give states and answers that anybody can compute: a token's id and its square, and how many tokens there are."""
    return np.stack([ids, ids**2], axis=2).astype(np.float32), mask.sum(axis=1, keepdims=True).astype(np.float32)


@pytest.fixture
def windows(encoder: Path) -> Windows:
    return Windows.read(encoder / TOKENIZER_FILE, 16)


@pytest.fixture
def rows(windows: Windows) -> list[Window]:
    return first_windows(windows, TEXTS)


@pytest.fixture
def models(trained: Trained, tmp_path: Path) -> Path:
    """Give a models folder whose champion is the tiny encoder."""
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    name_champion(models, "tiny")
    return models


@pytest.fixture
def material(corpus: Path) -> Material:
    return read_material(corpus)


def student(encoder: Path, **changes: object) -> Recipe:
    tiny = tiny_encoder_recipe(encoder, layers=1, epochs=2, freeze_words=False, **changes)
    return replace(tiny, name="student", teacher=TeacherSettings(model="tiny", states=2.0))


def read(windows: Windows, rows: list[Window], path: Path, reader: states.Reader = states_by_id, who: str = "x") -> States:
    return read_states(reader, windows, rows, path, who, weight=3.0)


def test_states_are_standardised_and_come_in_the_order_asked(windows: Windows, rows: list[Window], tmp_path: Path) -> None:
    found = read(windows, rows, tmp_path / "s.npy")
    tokens = np.concatenate([np.array([[i, i**2] for i in row.ids], np.float32) for row in rows])
    standard = (tokens - tokens.mean(axis=0)) / tokens.std(axis=0)
    first = np.cumsum([0, *(len(row.ids) for row in rows)])
    assert (found.width, found.weight) == (2, 3.0)
    wanted = np.concatenate([standard[first[row] : first[row + 1]] for row in (6, 1, 6)])
    np.testing.assert_allclose(found.of([6, 1, 6]), wanted, atol=0.026)  # half a step of the grid, and a rounded end


def test_an_interrupted_reading_goes_on_and_another_teacher_reads_anew(
    windows: Windows, rows: list[Window], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_BATCH_TOKENS", 1)
    monkeypatch.setattr(states, "_AT_ONCE", 1)
    monkeypatch.setattr(states, "_SAMPLE", 1)
    asked, last = 0, 5

    def failing(ids: Ids, mask: Ids) -> Read:
        nonlocal asked
        asked += 1
        if asked == last:
            raise KeyboardInterrupt
        return states_by_id(ids, mask)

    path = tmp_path / "s.npy"
    with pytest.raises(KeyboardInterrupt):
        read(windows, rows, path, failing)
    undisturbed = read(windows, rows, tmp_path / "other.npy")._values.tolist()
    asked = 100
    resumed = read(windows, rows, path, failing)
    assert resumed._values.tolist() == undisturbed
    assert resumed.answers[:, 0].tolist() == [len(row.ids) for row in rows]
    assert asked == 100 + 1 + len(rows) - 3  # the sample, and what three batches left
    asked, last = 0, 2
    with pytest.raises(KeyboardInterrupt):
        read(windows, rows, path, failing, who="y")
    asked = 100
    assert read(windows, rows, path, failing)._values.tolist() == undisturbed  # the first teacher again, from its start
    assert asked == 100 + 1 + len(rows)
    forget_states(path)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("s.")] == []


def test_an_interruption_does_not_wait_for_what_is_still_to_be_read(
    windows: Windows, rows: list[Window], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_BATCH_TOKENS", 1)
    monkeypatch.setattr(states, "usable_cores", lambda: 1)
    asked, free = 0, Event()

    def waiting(ids: Ids, mask: Ids) -> Read:
        nonlocal asked
        asked += 1
        if asked > len(rows) + 1:  # the sample and the first batch pass
            free.wait(10)
        return states_by_id(ids, mask)

    def interrupt(*_: object) -> None:
        free.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "rint", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read(windows, rows, tmp_path / "s.npy", waiting)
    assert asked < 2 * len(rows)


def test_where_the_states_find_no_room_a_line_says_how_much_they_take(
    windows: Windows, rows: list[Window], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(RecipeError, match=r"states take 0\.0 GB in .* while they teach: No space left on device"):
        read(windows, rows, tmp_path / "s.npy")
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    monkeypatch.setattr(states, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(RecipeError, match="while they teach: no room"):
        read(windows, rows, tmp_path / "s.npy")


def test_a_student_learns_the_states_and_keeps_nothing_of_them(
    models: Path, encoder: Path, material: Material, tmp_path: Path
) -> None:
    recipe = student(encoder)
    bundle = train(recipe, material, models, tmp_path / "mlruns")
    sha256 = bundle_sha256(read_bundle(models / "tiny"))
    assert bundle.settings["teacher"]["states"] == {"name": "tiny", "sha256": sha256}
    assert "What `tiny` makes of every token taught too." in (bundle.path / "README.md").read_text()
    assert not states_path(models, recipe).exists()
    assert not challenges(bundle)
    plain = replace(recipe, name="plain", teacher=TeacherSettings(model="tiny"))
    without = train(plain, material, models, tmp_path / "mlruns")
    texts = [sentence.text for sentence in material.sentences[:20]]
    answers = [Predictor.load(one.path).probabilities(texts)["stance"] for one in (bundle, without)]
    assert np.abs(answers[0] - answers[1]).max() > 0.001
    kept, usual = (load_file(models / TRAINED / name / WEIGHTS_FILE) for name in ("student", "plain"))
    assert kept.keys() == usual.keys()


def test_an_interrupted_training_with_states_goes_on_as_if_it_had_not_been(
    models: Path, encoder: Path, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, texts = student(encoder), [sentence.text for sentence in material.sentences[:20]]
    undisturbed = Predictor.load(train(recipe, material, models, tmp_path / "mlruns").path).probabilities(texts)
    interrupt_training(monkeypatch, at=9)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, material, models, tmp_path / "mlruns")
    assert states_path(models, recipe).exists()
    resumed = Predictor.load(train(recipe, material, models, tmp_path / "mlruns").path).probabilities(texts)
    np.testing.assert_allclose(resumed["stance"], undisturbed["stance"], atol=1e-5)


def test_a_seed_is_trained_again_only_when_its_teacher_of_states_is_another(
    models: Path, encoder: Path, material: Material, tmp_path: Path
) -> None:
    recipe = student(encoder)
    train(recipe, material, models, tmp_path / "mlruns")
    assert trained_before(models / "student", recipe, material, models) is not None
    train(replace(tiny_encoder_recipe(encoder, epochs=1), name="second"), material, models, tmp_path / "mlruns")
    other = replace(recipe, teacher=TeacherSettings(model="tiny", states=2.0, states_of="second"))
    assert trained_before(models / "student", other, material, models) is None
    name_champion(models, "second")
    assert trained_before(models / "student", recipe, material, models) is None


def test_the_seeds_of_a_sweep_read_the_states_once_and_their_runs_name_the_teacher(
    models: Path, encoder: Path, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, asked, pad = student(encoder), 0, teach_states._reader

    def counted(teacher: Bundle) -> states.Reader:
        reader = pad(teacher)

        def reading(ids: Ids, mask: Ids) -> Read:
            nonlocal asked
            asked += len(ids)
            return reader(ids, mask)

        return reading

    monkeypatch.setattr(teach_states, "_reader", counted)
    seeds, _ = sweep(recipe, material, 2, models, tmp_path / "mlruns")
    train_rows = sum(sentence.split == "train" for sentence in material.sentences)
    assert train_rows < asked < 2 * train_rows + 600  # all of them once, the sample twice
    assert not states_path(models, recipe).exists()
    client = MlflowClient(store_uri(tmp_path / "mlruns"))
    told = {client.get_run(seed.run_id or "").data.tags[STATES_TAG] for seed in seeds}
    assert told == {bundle_sha256(read_bundle(models / "tiny"))}


def test_a_teacher_without_states_or_of_other_tokens_is_told_in_a_line(
    models: Path, encoder: Path, material: Material, tmp_path: Path
) -> None:
    name_champion(models, tiny_linear_recipe().name)
    with pytest.raises(RecipeError, match="'floor' is none: `make train` trains one"):
        train(student(encoder), material, models, tmp_path / "mlruns")
    name_champion(models, "tiny")
    other = Path(shutil.copytree(encoder, tmp_path / "other"))
    text = (other / TOKENIZER_FILE).read_text(encoding="utf-8")
    (other / TOKENIZER_FILE).write_text(text.replace('"Whitespace"', '"WhitespaceSplit"'))
    with pytest.raises(RecipeError, match="'tiny' parts sentences into other tokens"):
        train(student(other), material, models, tmp_path / "mlruns")


def test_spliced_sentences_teach_what_the_teacher_of_states_answers_to_them(
    models: Path, encoder: Path, material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, float] = {}

    def splice(texts: Sequence[str], weights: Sequence[float], most: int) -> list[str]:
        asked.update(zip(texts, weights, strict=True))
        return TEXTS[:most]

    monkeypatch.setattr("training.curriculum.splices", splice)
    recipe = student(encoder)
    assert recipe.teacher is not None
    spliced = replace(recipe, name="spliced", teacher=replace(recipe.teacher, spliced=5))
    bundle = train(spliced, material, models, tmp_path / "mlruns")
    assert (bundle.settings["teacher"]["spliced"], bundle.settings["teacher"]["unlabelled"]) == (5, 0)
    assert "what it answers to 5 sentences put together from the halves" in (bundle.path / "README.md").read_text()
    learns = curriculum(Origin(spliced, material.sha256, None, models), material)
    assert learns.lesson is not None
    assert [(one.text, one.origin, one.votes) for one in learns.train[-5:]] == [(text, SPLICED, 0) for text in TEXTS[:5]]
    tiny = Predictor.load(models / "tiny")
    for head, wanted in tiny.probabilities(TEXTS[:5]).items():
        np.testing.assert_allclose(learns.lesson.probabilities[head][-5:], wanted, atol=1e-4)
    none = tiny.probabilities(list(asked))["stance"][:, STANCES.index(NO_STANCE)]
    np.testing.assert_allclose(list(asked.values()), 1.3 - none, atol=1e-5)


def test_settings_that_would_do_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="labels spliced sentences, and states is 0"):
        TeacherSettings(spliced=5)
    with pytest.raises(ValueError, match="states_of names a teacher of states, and states is 0"):
        TeacherSettings(states_of="best")

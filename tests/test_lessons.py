"""Lessons: what models said of sentences that they hadn't seen, kept beside the corpus, and learnt from."""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from newsstance.bundle import read_bundle
from newsstance.labels import HEADS
from tests.conftest import Trained
from tests.made import made_sentences, tiny_encoder_recipe, tiny_linear_recipe
from training import cross_fit as module
from training import curriculum
from training.champion import challenges
from training.cli import main
from training.corpus import of_split, read_corpus, sentence_id
from training.cross_fit import Fold, cross_fit, held_out_metrics
from training.curve import curve
from training.editorials import EDITORIALS_PATH
from training.errors import CorpusError, RecipeError
from training.finetune import finetune
from training.lessons import LESSONS_PATH, Lessons, lessons_beside, read_lessons, recorded_lesson, write_lessons
from training.material import Material, read_material
from training.news import NEWS_PATH
from training.press import HARD_PATH, PRESS_PATH
from training.read_recipe import load_recipe
from training.recipe import CROSS_FIT, DataSettings, Recipe, TeacherSettings
from training.run_spec import LESSONS_TAG, cross_fit_spec, training_spec
from training.store import store_uri
from training.sweep import trained_before
from training.targets import Targets
from training.train import train

TEACHER = TeacherSettings(model=CROSS_FIT, weight=0.5, unlabelled=2)
TEXTS = ["Qwertyui hopes asdfghjk.", "Zxcvbnmq fears poiuytre.", "Lkjhgfds meets mnbvcxzq."]


def lesson(*values: float) -> dict[str, np.ndarray]:
    return {"stance": np.array(values[:4], np.float32), "sentiment": np.array(values[4:], np.float32)}


FIRST, SECOND = lesson(0.7, 0.1, 0.1, 0.1, 0.25, 0.5, 0.25), lesson(0, 0, 0, 1, 0, 0, 1)


def read_labels(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def untaught(encoder: Path) -> Recipe:
    return tiny_encoder_recipe(encoder, layers=1, epochs=1)


def taught(encoder: Path) -> Recipe:
    return replace(untaught(encoder), name="taught", teacher=TEACHER)


@pytest.fixture
def material(trained: Trained, tmp_path: Path) -> Material:
    """Read a corpus that has its folder to itself."""
    return read_material(Path(shutil.copy(trained.corpus, tmp_path / "corpus.jsonl")))


@pytest.fixture(autouse=True)
def _unlabelled(monkeypatch: pytest.MonkeyPatch) -> None:
    for reader in (curriculum, module):
        monkeypatch.setattr(reader, "read_unlabelled", lambda _, most, **__: TEXTS[:most])


def test_lessons_are_read_as_they_were_written_in_thousandths(tmp_path: Path) -> None:
    write_lessons({"b" * 12: SECOND, "a" * 12: FIRST}, tmp_path / "lessons.tsv")
    head, *rows = (tmp_path / "lessons.tsv").read_text().splitlines()
    assert head.split("\t") == ["id", *HEADS["stance"], *HEADS["sentiment"]]
    assert rows[0].split("\t") == ["a" * 12, "700", "100", "100", "100", "250", "500", "250"]
    found = read_lessons(tmp_path / "lessons.tsv")
    assert list(found) == ["a" * 12, "b" * 12]
    for head in HEADS:
        np.testing.assert_allclose(found["a" * 12][head], FIRST[head], atol=1e-3)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "its columns aren't id, optimistic"),
        ("id\tstance\n", "its columns aren't id, optimistic"),
        ("{head}a\t1\t2\n", ":2: a row holds an id and 7 whole numbers"),
        ("{head}a\t700\t100\t100\t100\t-1\t500\t501\n", ":2: a row holds an id and 7 whole numbers"),
        ("{head}a\t700\t100\t100\t10\t250\t500\t250\n", ":2: the numbers of stance add up to 910 instead of 1000"),
        ("{head}a\t0\t0\t0\t1000\t0\t0\t1000\na\t0\t0\t0\t1000\t0\t0\t1000\n", "1 of its ids stand there twice"),
        ("\xff", "not UTF-8"),
    ],
)
def test_a_damaged_file_of_lessons_is_named(content: str, told: str, tmp_path: Path) -> None:
    head = "\t".join(["id", *HEADS["stance"], *HEADS["sentiment"]]) + "\n"
    (tmp_path / "lessons.tsv").write_bytes(content.format(head=head).encode("latin-1"))
    with pytest.raises(CorpusError, match=told):
        read_lessons(tmp_path / "lessons.tsv")


def test_a_sentence_without_a_lesson_teaches_its_label_and_an_unlabelled_one_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = made_sentences()[:2]
    write_lessons({train[0].id: FIRST, sentence_id(TEXTS[1]): SECOND}, tmp_path / "lessons.tsv")
    said, known = recorded_lesson(TEACHER, tmp_path / "lessons.tsv", train, TEXTS)
    assert capsys.readouterr().err == f"{tmp_path}/lessons.tsv is silent on 1 of 2 training sentences: labels teach those\n"
    assert known == [TEXTS[1]]
    np.testing.assert_allclose(said.probabilities["stance"][0], FIRST["stance"], atol=1e-3)
    np.testing.assert_array_equal(said.probabilities["stance"][1], np.eye(4)[HEADS["stance"].index(train[1].stance)])
    np.testing.assert_array_equal(said.probabilities["stance"][2], SECOND["stance"])


def test_without_lessons_the_labels_alone_teach_and_a_line_says_so(
    material: Material, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = train(taught(encoder), material, tmp_path / "models", tmp_path / "mlruns")
    assert (
        f"taught: learning from labels alone, since there are no lessons at {tmp_path}/lessons.tsv\n" in capsys.readouterr().err
    )
    assert "teacher" not in bundle.settings
    assert trained_before(bundle.path, taught(encoder), material, tmp_path / "models") is not None
    stated = replace(taught(encoder), name="stated", teacher=replace(TEACHER, states=1.0))
    assert "teacher" not in train(stated, material, tmp_path / "models", tmp_path / "mlruns").settings
    assert trained_before(tmp_path / "models" / "stated", stated, material, tmp_path / "models") is not None
    write_lessons({"a" * 12: FIRST}, lessons_beside(material.path))
    assert trained_before(bundle.path, taught(encoder), material, tmp_path / "models") is None


def test_who_learns_from_lessons_may_become_champion_and_names_them(material: Material, encoder: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_lessons({sentence_id(text): SECOND for text in TEXTS}, lessons_beside(material.path))
    bundle = train(taught(encoder), material, models, tmp_path / "mlruns")
    assert challenges(bundle)
    assert read_bundle(models / "taught").settings["teacher"]["name"] == CROSS_FIT
    assert bundle.settings["teacher"]["unlabelled"] == 2
    card = (models / "taught" / "README.md").read_text()
    assert "Models that hadn't trained on them (`lessons.tsv` beside the corpus) taught besides their labels, and gave" in card


def test_a_model_is_trained_again_when_its_lessons_have_changed(material: Material, encoder: Path, tmp_path: Path) -> None:
    models, recipe = tmp_path / "models", taught(encoder)
    write_lessons({sentence_id(TEXTS[0]): FIRST}, lessons_beside(material.path))
    bundle = train(recipe, material, models, tmp_path / "mlruns")
    assert trained_before(bundle.path, recipe, material, models) is not None
    write_lessons({sentence_id(TEXTS[0]): SECOND}, lessons_beside(material.path))
    assert trained_before(bundle.path, recipe, material, models) is None


def asked_of_each_model(found: Sequence[tuple[set[str], set[str]]], texts: dict[str, str]) -> None:
    for trained_on, asked in found:
        assert not trained_on & asked
        assert {sentence_id(text) for text in TEXTS} <= asked
        assert trained_on | asked >= set(texts)


def test_no_model_of_a_cross_fit_is_asked_about_what_it_trained_on(
    material: Material, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, found, ask = finetune, [], module._ask
    trained: list[set[str]] = []

    def recorded(settings, seed, train, *rest):  # type: ignore[no-untyped-def]
        trained.append({sentence.id for sentence in train})
        return whole(settings, seed, train, *rest)

    def asked(network, windows, texts):  # type: ignore[no-untyped-def]
        found.append((trained[-1], {sentence_id(text) for text in texts}))
        return ask(network, windows, texts)

    monkeypatch.setattr(module, "finetune", recorded)
    monkeypatch.setattr(module, "_ask", asked)
    recipes = [untaught(encoder), replace(taught(encoder), seed=2)]  # whose teacher is left out
    lessons = cross_fit(recipes, material, 3, tmp_path / "models", tmp_path / "mlruns")
    train_ids = {sentence.id: sentence.text for sentence in of_split(material.sentences, "train")}
    assert len(found) == 6
    asked_of_each_model(found, train_ids)
    assert set(lessons) == {*train_ids, *(sentence_id(text) for text in TEXTS)}
    assert all(abs(answer[head].sum() - 1) < 1e-5 for answer in lessons.values() for head in HEADS)


def test_a_cross_fit_goes_on_where_it_stopped_and_its_run_holds_what_was_held_out(
    material: Material, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models, store, whole = tmp_path / "models", tmp_path / "mlruns", module._ask

    def killed_at_the_second(*arguments):  # type: ignore[no-untyped-def]
        monkeypatch.setattr(module, "_ask", interrupted)
        return whole(*arguments)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_ask", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        cross_fit([untaught(encoder)], material, 2, models, store)
    monkeypatch.setattr(module, "_ask", whole)
    lessons = cross_fit([untaught(encoder)], material, 2, models, store)
    assert capsys.readouterr().err.count("it was trained before") == 1
    client = MlflowClient(store_uri(store))
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()], "tags.run_type = 'cross-fit'")
    expected = held_out_metrics([lessons], material)
    assert run.data.metrics["held_out/stance_f1"] == pytest.approx(expected["held_out/stance_f1"])
    assert run.data.metrics["held_out/sentiment_nll"] == pytest.approx(expected["held_out/sentiment_nll"], abs=1e-4)


def test_the_command_writes_lessons_that_a_recipe_learns_from(
    material: Material, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(f'description = "small"\n\n[encoder]\nencoder = "{encoder}"\nlayers = 1\nepochs = 1\nmax_length = 16\n')
    places = ["--corpus", str(material.path), "--models", str(tmp_path / "models"), "--store", str(tmp_path / "mlruns")]
    assert main(["cross-fit", str(recipe), "--folds", "2", *places]) == 0
    rows = len(of_split(material.sentences, "train")) + len(TEXTS)
    assert capsys.readouterr().out == f"{tmp_path}/lessons.tsv: {rows} sentences\n"
    found: Lessons = read_lessons(tmp_path / "lessons.tsv")
    assert len(found) == rows


def test_a_cross_fit_learns_as_its_recipe_says_and_its_run_is_one_of_the_same_folds(
    material: Material, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[Targets] = []

    def recorded(*arguments):  # type: ignore[no-untyped-def]
        learnt.append(arguments[-1])
        return finetune(*arguments)

    monkeypatch.setattr(module, "finetune", recorded)
    recipe = replace(untaught(encoder), data=DataSettings(weights={"wire": 2.0}))
    for folds in (2, 3):
        cross_fit([recipe], material, folds, tmp_path / "models", tmp_path / "mlruns")
    assert all(one.weights is not None for one in learnt)
    client = MlflowClient(store_uri(tmp_path / "mlruns"))
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()], "tags.run_type = 'cross-fit'")
    assert sorted(run.data.tags["folds"] for run in runs) == ["2", "3"]


def test_an_empty_fold_is_told_before_anything_trains(material: Material, encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"fold [0-9]+ of 100 is empty: the corpus has few blocks, use fewer folds"):
        cross_fit([untaught(encoder)], material, 100, tmp_path / "models", tmp_path / "mlruns")
    one_block = replace(material, sentences=[replace(one, block="only") for one in material.sentences])
    with pytest.raises(RecipeError, match=r"is empty|all that trains it is in fold"):
        cross_fit([untaught(encoder)], one_block, 2, tmp_path / "models", tmp_path / "mlruns")
    assert not (tmp_path / "mlruns").exists()


def test_a_learning_curve_leaves_lessons_out_since_the_whole_corpus_taught_them(
    material: Material, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lessons({"a" * 12: FIRST}, lessons_beside(material.path))
    monkeypatch.setattr("training.curve.SHARES", (Fraction(1),))
    curve(taught(encoder), material, 1, tmp_path / "models", tmp_path / "mlruns")
    assert "taught: without its lessons, which the whole corpus taught\n" in capsys.readouterr().err
    assert "teacher" not in read_bundle(tmp_path / "models" / "curve" / "1" / "taught-1-1").settings


def test_runs_that_learnt_from_other_lessons_are_told_apart(material: Material, encoder: Path) -> None:
    assert training_spec(taught(encoder), material).tags[LESSONS_TAG] == "none"
    write_lessons({"a" * 12: FIRST}, lessons_beside(material.path))
    with_lessons = training_spec(taught(encoder), material).tags[LESSONS_TAG]
    assert len(with_lessons) == 64
    assert LESSONS_TAG not in training_spec(untaught(encoder), material).tags


def test_a_shipped_recipe_without_its_teacher_keeps_its_name(material: Material) -> None:
    best = load_recipe("best")
    assert cross_fit_spec(replace(best, teacher=None), material, 5).name.startswith("best on labels alone · corpus")
    assert cross_fit_spec(best, material, 5).name.startswith("best · corpus")


def test_what_cannot_be_cross_fitted_is_told_before_anything_trains(material: Material) -> None:
    with pytest.raises(RecipeError, match="floor: only an encoder can be cross-fitted, and this is a linear recipe"):
        cross_fit([tiny_linear_recipe()], material)


def test_a_lesson_about_a_held_out_sentence_is_a_breach(material: Material, capsys: pytest.CaptureFixture[str]) -> None:
    write_lessons({one.id: FIRST for one in of_split(material.sentences, "train")}, lessons_beside(material.path))
    assert main(["check-data", "--corpus", str(material.path)]) == 0
    held_out = of_split(material.sentences, "test")[0]
    write_lessons({held_out.id: FIRST}, lessons_beside(material.path))
    assert main(["check-data", "--corpus", str(material.path)]) == 1
    assert f"lessons.tsv tells of {held_out.id}, a sentence of test\n" in capsys.readouterr().err
    assert main(["train", "fast", "--corpus", str(material.path), "--unchecked"]) == 1
    assert f"lessons.tsv tells of {held_out.id}, a sentence of test (1 such): make them anew with" in capsys.readouterr().err


def test_the_lessons_of_the_corpus_tell_of_every_invented_training_sentence_and_of_no_held_out_one() -> None:
    lessons = read_lessons(LESSONS_PATH)
    invented = read_corpus()
    assert all(sentence.id in lessons for sentence in of_split(invented, "train"))
    real = [read_labels(path) for path in (NEWS_PATH, EDITORIALS_PATH, PRESS_PATH, HARD_PATH)]
    splits = {sentence.id: sentence.split for sentence in invented} | {
        row["hash"]: row["split"] for rows in real for row in rows
    }
    assert not {identity for identity, split in splits.items() if split != "train"} & set(lessons)
    assert all(identity in lessons for identity, split in splits.items() if split == "train")


def test_a_fold_is_decided_by_the_block_alone() -> None:
    blocks = [f"block-{number}" for number in range(200)]
    folds = [[block for block in blocks if Fold(number, 5, {}).holds(block)] for number in range(5)]
    assert sorted(block for fold in folds for block in fold) == sorted(blocks)
    assert all(len(fold) > 20 for fold in folds)

"""The fast tier, here taught by the champion, and the cascade of the two."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from newsstance import BundleError, Predictor
from newsstance.bundle import Bundle, read_bundle
from newsstance.cascade import CascadeModel
from newsstance.labels import HEADS
from newsstance.locate import CHAMPION, name_champion
from newsstance.models import Estimates, Floats
from tests.conftest import Trained
from tests.made import made_sentences, tiny_encoder_recipe
from training import curriculum
from training.champion import challenges
from training.cli import main
from training.curve import curve
from training.errors import RecipeError
from training.material import read_material, real_or_all
from training.recipe import CascadeSettings, DataSettings, Recipe, TeacherSettings
from training.registry import REGISTERED
from training.store import store_uri
from training.sureness import choose_sureness
from training.sweep import sweep
from training.targets import targets
from training.teach import LESSONS, Lesson, learn_from
from training.train import fit, train

TEACHER = TeacherSettings()
TEXTS = ["Qwertyui hopes asdfghjk.", "Zxcvbnmq fears poiuytre.", "Lkjhgfds meets mnbvcxzq.", "Asdfqwer doubts zxcvasdf."]


@dataclass(frozen=True)
class Tiers:
    """A models folder with a champion, a fast model and a cascade of them, and the store of their runs."""

    models: Path
    store: Path
    fast: Bundle
    cascade: Bundle


def fast_recipe(encoder: Path) -> Recipe:
    tiny = tiny_encoder_recipe(encoder, layers=1, epochs=6, freeze_words=False)
    return replace(tiny, name="fast", teacher=TEACHER)


def quick_recipe(encoder: Path) -> Recipe:
    tiny = tiny_encoder_recipe(encoder, layers=1, epochs=1, freeze_words=False)
    return replace(tiny, name="fast", teacher=TEACHER)


@pytest.fixture(scope="module")
def tiers(trained: Trained, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiers:
    home = tmp_path_factory.mktemp("tiers")
    models = Path(shutil.copytree(trained.models, home / "models"))
    material = read_material(trained.corpus)
    recipe = replace(fast_recipe(encoder), teacher=replace(TEACHER, unlabelled=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curriculum, "read_unlabelled", lambda _, most, **__: TEXTS[:most])
        fast = train(recipe, material, models, home / "mlruns")
    recipe = Recipe("cascade", "both", cascade=CascadeSettings())
    return Tiers(models, home / "mlruns", fast, train(recipe, material, models, home / "mlruns"))


def test_a_fast_model_is_an_ordinary_bundle_that_names_its_teacher(tiers: Tiers) -> None:
    champion = Predictor.load(tiers.models).bundle.name
    assert tiers.fast.kind == "encoder"
    assert tiers.fast.settings["teacher"]["name"] == champion
    assert tiers.fast.recipe["teacher"] == {**asdict(TEACHER), "unlabelled": 2}
    assert tiers.fast.settings["teacher"]["unlabelled"] == 2
    assert f"`{champion}` taught besides their labels, and gave their only labels to 2 real ones." in (
        (tiers.fast.path / "README.md").read_text()
    )
    assert tiers.fast.files["model.onnx"].bytes < Predictor.load(tiers.models / "tiny").bundle.files["model.onnx"].bytes
    stances = [score.stance for score in Predictor.load(tiers.fast.path).predict(TEXTS)]
    assert stances == ["optimistic", "alarmed", "none", "cautious"]


def test_int8_leaves_no_text_to_its_neighbours(tiers: Tiers) -> None:
    predictor = Predictor.load(tiers.fast.path)
    together = predictor.probabilities(TEXTS)
    for place, text in enumerate(TEXTS):
        for head, values in predictor.probabilities([text]).items():
            np.testing.assert_allclose(values[0], together[head][place], atol=1e-6)


def test_neither_a_taught_model_nor_a_cascade_becomes_champion(tiers: Tiers) -> None:
    assert Predictor.load(tiers.models).bundle.name not in ("fast", "cascade")
    assert not any(challenges(bundle) for bundle in (tiers.fast, tiers.cascade))
    assert challenges(Predictor.load(tiers.models).bundle)


@pytest.mark.parametrize("name", ["fast", "cascade"])
def test_each_is_a_model_of_its_run_that_answers_away_from_the_models_folder(tiers: Tiers, name: str, tmp_path: Path) -> None:
    bundle: Bundle = getattr(tiers, name)
    client = MlflowClient(store_uri(tiers.store))
    run = client.get_run(bundle.run_id or "")
    assert run.outputs is not None
    (output,) = run.outputs.model_outputs
    location = client.get_logged_model(output.model_id).artifact_location
    away = mlflow.artifacts.download_artifacts(location, dst_path=str(tmp_path), tracking_uri=client.tracking_uri)
    said = mlflow.pyfunc.load_model(away).predict(pd.DataFrame({"text": TEXTS}))
    assert said["stance"].tolist() == [score.stance for score in Predictor.load(bundle.path).predict(TEXTS)]
    versions = client.search_model_versions(f"name = '{REGISTERED}'")
    assert bundle.run_id not in {version.run_id for version in versions}


def test_a_cascade_that_travels_alone_is_refused_without_one_of_its_models(tiers: Tiers, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(tiers.cascade.path, tmp_path / "elsewhere" / "cascade"))
    with pytest.raises(BundleError, match="fast"):
        Predictor.load(alone)
    shutil.copytree(tiers.fast.path, alone / "fast")
    shutil.copytree(tiers.fast.path, alone / "champion")
    with pytest.raises(BundleError, match="champion isn't the model that this cascade was tuned for"):
        Predictor.load(alone)


def test_a_teacher_is_asked_once(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    lesson = learn_from(TEACHER, models, "fast", TEXTS)
    expected = Predictor.load(models / CHAMPION).probabilities(TEXTS)
    for head in HEADS:
        np.testing.assert_allclose(lesson.probabilities[head], expected[head], atol=1e-6)
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "probabilities", None)
        assert learn_from(TEACHER, models, "fast", TEXTS).sha256 == lesson.sha256
    learn_from(TEACHER, models, "fast", TEXTS[:2])
    assert len(list((models / LESSONS).iterdir())) == 2  # other texts are another lesson


def test_an_interrupted_teaching_goes_on_where_it_stopped(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    asked: list[str] = []
    answer = Predictor.probabilities

    def interrupted(self: Predictor, texts: list[str]) -> object:
        if len(asked) == 2:
            asked.append("nothing")
            raise KeyboardInterrupt
        asked.extend(texts)
        return answer(self, texts)

    monkeypatch.setattr("training.teach._AT_ONCE", 1)
    monkeypatch.setattr(Predictor, "probabilities", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn_from(TEACHER, models, "fast", TEXTS)
    lesson = learn_from(TEACHER, models, "fast", TEXTS)
    assert asked == [*TEXTS[:2], "nothing", *TEXTS[2:]]
    assert {len(values) for values in lesson.probabilities.values()} == {len(TEXTS)}


def test_a_cascade_of_the_champion_with_itself_is_refused(trained: Trained, tmp_path: Path) -> None:
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    name_champion(models, "tiny")
    recipe = Recipe("cascade", "both", cascade=CascadeSettings(fast="tiny"))
    with pytest.raises(RecipeError, match="cascade: its fast model is the champion itself: `make train` trains a better one"):
        train(recipe, read_material(trained.corpus), models, tmp_path / "mlruns")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("champion", "`make train` makes one"), ("elsewhere", "train that first"), ("no/where", "train that first")],
)
def test_without_a_teacher_one_line_says_what_to_train(
    name: str, remedy: str, encoder: Path, corpus: Path, tmp_path: Path
) -> None:
    recipe = replace(fast_recipe(encoder), teacher=TeacherSettings(model=name))
    with pytest.raises(RecipeError, match=f"'fast' builds on the model '{name}'.*{remedy}") as error:
        train(recipe, read_material(corpus), tmp_path / "models", tmp_path / "mlruns")
    assert "\n" not in str(error.value)


def test_each_seed_of_a_sweep_is_taught_by_the_models_folder_and_again_by_another_teacher(
    trained: Trained, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    recipe, material, store = quick_recipe(encoder), read_material(trained.corpus), tmp_path / "mlruns"
    fitted: list[int] = []

    def counted(recipe: Recipe, *rest: object) -> Bundle:
        fitted.append(recipe.seed)
        return fit(recipe, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("training.sweep.fit", counted)
    for teacher, expected in (("floor", [1, 2]), ("floor", []), ("tiny", [1, 2])):
        fitted.clear()
        name_champion(models, teacher)
        seeds, _ = sweep(recipe, material, 2, models, store)
        assert fitted == expected
        assert {seed.measured.bundle.settings["teacher"]["name"] for seed in seeds} == {teacher}
    assert read_bundle(models / "fast").settings["teacher"]["name"] == "tiny"
    assert len(list((models / LESSONS).iterdir())) == 2  # one by each teacher, for all seeds


def test_a_taught_recipe_has_a_learning_curve(
    trained: Trained, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Path(shutil.copytree(trained.models, tmp_path / "models"))
    monkeypatch.setattr("training.curve.SHARES", (Fraction(1, 2),))
    _, (point,) = curve(quick_recipe(encoder), read_material(trained.corpus), 1, models, tmp_path / "mlruns")
    assert len(point.scores) == 1
    assert "teacher" in read_bundle(models / "curve" / "1" / "fast-1-2").settings


@pytest.mark.parametrize("command", [["sweep", "--seeds", "2"], ["curve"]])
@pytest.mark.parametrize(
    ("name", "reason"), [("cascade", "a cascade trains nothing"), ("early", "an early exit is that of a trained model")]
)
def test_seeds_and_shares_of_what_is_made_of_trained_models_are_refused_in_one_line(
    name: str, reason: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, name, "--corpus", "nowhere.jsonl"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {name}: {reason}")


def test_targets_mix_the_labels_with_what_the_teacher_says() -> None:
    said = {"stance": np.array([[0.64, 0.16, 0.16, 0.04]], np.float32), "sentiment": np.full((1, 3), 1 / 3, np.float32)}
    lesson = Lesson(TeacherSettings(weight=0.25, temperature=2.0), "x", "", said)
    sentence = next(row for row in made_sentences() if row.stance == "none")
    softened = np.array([0.8, 0.4, 0.4, 0.2]) / 1.8
    taught = targets([sentence], {}, DataSettings(), lesson).labels["stance"]
    np.testing.assert_allclose(taught[0], 0.75 * np.array([0, 0, 0, 1]) + 0.25 * softened, rtol=1e-6)
    assert targets([sentence], {}, DataSettings()).labels["stance"].tolist() == [3]


@dataclass(frozen=True)
class Fixed:
    """A model that gives every text the same probabilities but remembers what it was asked."""

    top: dict[str, float]
    asked: list[str]
    label: int = 0

    def estimate(self, texts: Sequence[str]) -> Estimates:
        """Give each text its probability for one label, and the rest to the others."""
        self.asked.extend(texts)
        probabilities = {}
        for head, labels in HEADS.items():
            others = len(labels) - 1
            rows = np.array([[self.top[text]] + [(1 - self.top[text]) / others] * others for text in texts])
            probabilities[head] = np.roll(rows, self.label, axis=1).astype(np.float32)
        return Estimates(probabilities, (1 + self.label,) * len(texts))


def test_only_what_the_fast_model_is_unsure_of_goes_to_the_champion() -> None:
    fast, champion = Fixed({"a": 0.9, "b": 0.6, "c": 0.8}, []), Fixed({"b": 0.7}, [], label=1)
    answers = CascadeModel(fast, champion, {"stance": 0.7, "sentiment": 0.75}, ("quick", "good")).estimate(["a", "b", "c"])
    assert champion.asked == ["b"]
    assert answers.models == ("quick", "good", "quick")
    assert answers.parts == (1, 2, 1)
    assert answers.probabilities["stance"].argmax(axis=1).tolist() == [0, 1, 0]
    np.testing.assert_allclose(answers.probabilities["sentiment"][1], [0.15, 0.7, 0.15], atol=1e-6)


def test_a_cascade_scores_articles_and_tells_who_answered(tiers: Tiers) -> None:
    article = " ".join(TEXTS)
    names = {"fast", Predictor.load(tiers.models).bundle.name}
    scored = Predictor.load(tiers.cascade.path).score(article)
    assert {sentence.answered_by for sentence in scored.sentences} <= names
    for sure, name in ((0.0, {"fast"}), (1.0, names - {"fast"})):
        moved = Predictor.load(tiers.cascade.path, sure=sure)
        assert {sentence.answered_by for sentence in moved.score(article).sentences} == name
    assert json.loads(json.dumps(scored.to_dict()))["sentences"][0]["answered_by"] in names


def test_a_cascade_says_of_an_article_the_same_in_any_company(tiers: Tiers) -> None:
    predictor = Predictor.load(tiers.cascade.path, sure=0.9)
    articles = [f"{TEXTS[place % 4]} {TEXTS[(place + 1) % 4]}" for place in range(40)]
    for article, together in zip(articles, predictor.score_many(articles), strict=True):
        alone = predictor.score(article)
        said = [[(sentence.answered_by, sentence.stance) for sentence in score.sentences] for score in (alone, together)]
        assert said[0] == said[1]


def test_a_cascade_keeps_within_its_tolerance_on_validation(tiers: Tiers) -> None:
    champion = Predictor.load(tiers.models / CHAMPION).bundle
    assert tiers.cascade.metrics["validation/stance_f1"] >= champion.metrics["validation/stance_f1"] - 0.01
    assert 0 <= tiers.cascade.metrics["cascade/validation_share_fast"] <= 1
    assert set(tiers.cascade.settings["sure"]) == set(HEADS)


def test_a_cascade_is_tuned_on_real_sentences_where_there_are_any() -> None:
    first, second, *invented = made_sentences(12)
    real = [replace(first, origin="press"), replace(second, origin="lee")]
    assert real_or_all([*real, *invented]) == real
    assert real_or_all(invented) == invented


def test_a_cascade_is_refused_once_one_of_its_models_has_changed(tiers: Tiers, tmp_path: Path) -> None:
    models = Path(shutil.copytree(tiers.models, tmp_path / "models"))
    fast = Predictor.load(models / "fast").bundle
    replace(fast, created="another day").write()
    Predictor.load(models / "cascade")  # nothing that shapes a score has changed
    replace(fast, settings={**fast.settings, "temperature": dict.fromkeys(HEADS, 2.0)}).write()
    with pytest.raises(BundleError, match="isn't the model that this cascade was tuned for"):
        Predictor.load(models / "cascade")
    shutil.rmtree(models / "fast")
    with pytest.raises(BundleError, match="fast"):
        Predictor.load(models / "cascade")


@pytest.mark.parametrize("change", [{"sure": {}}, {"fast": {"name": "cascade"}}, {"champion": None}])
def test_a_cascade_that_is_badly_described_is_refused(change: dict[str, object], tiers: Tiers, tmp_path: Path) -> None:
    models = Path(shutil.copytree(tiers.models, tmp_path / "models"))
    path = models / "cascade" / "bundle.json"
    content = json.loads(path.read_text())
    content["settings"] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(BundleError) as error:
        Predictor.load(models / "cascade")
    assert "\n" not in str(error.value)


def test_a_model_is_found_by_its_name(tiers: Tiers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSSTANCE_MODELS", str(tiers.models))
    assert Predictor.load("fast").bundle.name == "fast"
    assert Predictor.load("cascade").bundle.kind == "cascade"


def probabilities(tops: list[int], how_sure: list[float]) -> dict[str, Floats]:
    rows = {}
    for head, labels in HEADS.items():
        values = np.zeros((len(tops), len(labels)), np.float32)
        for row, (top, sure) in enumerate(zip(tops, how_sure, strict=True)):
            values[row] = (1 - sure) / (len(labels) - 1)
            values[row, top] = sure
        rows[head] = values
    return rows


def test_as_much_is_left_to_the_fast_model_as_keeps_the_f1() -> None:
    right = [place % 3 for place in range(60)]
    wrong_where_unsure = [label if place < 45 else (label + 1) % 3 for place, label in enumerate(right)]
    how_sure = [0.99 - 0.01 * place for place in range(60)]
    gold = {head: [labels[place] for place in right] for head, labels in HEADS.items()}
    fast, champion = probabilities(wrong_where_unsure, how_sure), probabilities(right, [0.9] * 60)
    chosen = choose_sureness(fast, champion, gold, tolerance=0.0)
    assert 0.6 <= chosen.share <= 0.75
    assert choose_sureness(fast, champion, gold, tolerance=1.0).share == 1
    always_wrong = probabilities([(label + 1) % 3 for label in right], how_sure)
    assert choose_sureness(always_wrong, champion, gold, tolerance=0.0).share == 0


def test_what_only_the_labels_happen_to_bear_out_is_not_left_to_the_fast_model() -> None:
    said = [place % 3 for place in range(60)]
    fast, champion = probabilities([(label + 1) % 3 for label in said], [0.9] * 60), probabilities(said, [0.8] * 60)
    lucky = {head: [labels[(label + 1) % 3] for label in said] for head, labels in HEADS.items()}
    assert choose_sureness(fast, champion, lucky, tolerance=0.2).share == 0
    doubting = probabilities(said, [0.35] * 60)
    assert choose_sureness(fast, doubting, lucky, tolerance=0.2).share == 1

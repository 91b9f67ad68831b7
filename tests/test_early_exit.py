"""An encoder with an early exit: lower layers that answer where they are sure, and the whole elsewhere."""

import json
import shutil
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from newsstance import BundleError, Predictor, early_exit, encoder
from newsstance.bundle import Bundle, read_bundle
from newsstance.cascade import ROLES, member_path
from newsstance.early_exit import LOWER_FILE, UPPER_FILE, EarlyExitModel
from newsstance.encoder import GRAPH_FILE
from newsstance.identity import bundle_sha256
from newsstance.labels import HEADS
from newsstance.locate import name_champion
from newsstance.models import softmax
from newsstance.tokens import TOKENIZER_FILE, Windows
from tests.conftest import Trained
from training import early_exit_road, exit_tuning
from training.as_trained import TRAINED
from training.champion import challenges
from training.checkpoint import CHECKPOINTS, Checkpoint
from training.corpus import of_split
from training.errors import RecipeError
from training.exit_graphs import layer_states
from training.exit_head import ExitNetwork, distance, fit_exit
from training.exit_tuning import Taught, WithExit, tune_exit
from training.layer_answers import ask_layer
from training.material import read_material
from training.network_answers import first_windows
from training.recipe import CascadeSettings, EarlyExitSettings, Recipe
from training.run_spec import training_spec
from training.train import train
from training.weights import read_network

TEXTS = ["Qwertyui hopes asdfghjk.", "Zxcvbnmq fears poiuytre.", "Lkjhgfds meets mnbvcxzq.", "Asdfqwer doubts zxcvasdf."]
LONG = " ".join(TEXTS * 6)
RECIPE = Recipe("early", "with an exit", early_exit=EarlyExitSettings(layers=1, neurons=16))


@dataclass(frozen=True)
class Exiting:
    """A models folder whose champion is the tiny encoder, and that one with an exit after its first layer."""

    models: Path
    store: Path
    early: Bundle
    corpus: Path


@pytest.fixture(scope="module")
def exiting(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Exiting:
    home = tmp_path_factory.mktemp("exiting")
    models = Path(shutil.copytree(trained.models, home / "models"))
    name_champion(models, "tiny")
    early = train(RECIPE, read_material(trained.corpus), models, home / "mlruns")
    return Exiting(models, home / "mlruns", early, trained.corpus)


def told(exiting: Exiting, folder: Path, sure: object) -> Path:
    """Copy the model with an exit, with something else told of how sure is sure enough."""
    path = Path(shutil.copytree(exiting.early.path, folder / "early"))
    content = json.loads((path / "bundle.json").read_text())
    content["settings"]["sure"] = sure
    (path / "bundle.json").write_text(json.dumps(content))
    return path


def test_where_nothing_is_sure_enough_the_answers_are_the_whole_models_to_the_bit(exiting: Exiting, tmp_path: Path) -> None:
    never = Predictor.load(told(exiting, tmp_path, dict.fromkeys(HEADS, 1.0)))
    whole = Predictor.load(exiting.models / "tiny")
    for texts in (TEXTS, [LONG], [*TEXTS * 40, LONG]):
        expected, found = whole.probabilities(texts), never.probabilities(texts)
        for head in HEADS:
            assert np.array_equal(found[head], expected[head])
    assert never.score(LONG).sentences[0].parts == whole.score(LONG).sentences[0].parts == 1


def test_where_all_is_sure_enough_the_upper_layers_are_not_asked(
    exiting: Exiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = Predictor.load(told(exiting, tmp_path, dict.fromkeys(HEADS, 0.0)))
    model = always._model
    assert isinstance(model, EarlyExitModel)
    answered = always.probabilities(TEXTS)
    assert [HEADS["stance"][place] for place in answered["stance"].argmax(axis=1)] == [
        "optimistic", "alarmed", "none", "cautious"
    ]  # fmt: skip
    (tmp_path / "early" / UPPER_FILE).write_bytes(b"gone")
    with pytest.raises(BundleError, match=UPPER_FILE):
        Predictor.load(tmp_path / "early")


def test_some_exit_some_go_on_and_company_changes_no_answer(exiting: Exiting, tmp_path: Path) -> None:
    early = Predictor.load(told(exiting, tmp_path / "early", dict.fromkeys(HEADS, 0.0))).probabilities(TEXTS)
    late = Predictor.load(exiting.models / "tiny").probabilities(TEXTS)
    tops = np.sort(early["stance"].max(axis=1))
    between = float((tops[1] + tops[2]) / 2)
    mixed = Predictor.load(told(exiting, tmp_path / "mixed", {"stance": between, "sentiment": 0.0}))
    exits = early["stance"].max(axis=1) > between
    assert exits.sum() == 2
    together, many = mixed.probabilities(TEXTS), mixed.probabilities([*TEXTS, *(f"{text} Sits." for text in TEXTS * 50)])
    for head in HEADS:
        expected = np.where(exits[:, None], early[head], late[head])
        np.testing.assert_allclose(together[head], expected, atol=1e-6)
        np.testing.assert_allclose(many[head][:4], expected, atol=1e-6)
        for place, text in enumerate(TEXTS):
            np.testing.assert_allclose(mixed.probabilities([text])[head][0], expected[place], atol=1e-6)


def test_what_goes_on_of_several_batches_goes_on_as_one_and_is_answered_as_it_would_be_alone(
    exiting: Exiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = float(np.median(Predictor.load(exiting.early.path).probabilities(TEXTS)["stance"].max(axis=1)))
    path = told(exiting, tmp_path, {"stance": between, "sentiment": 0.0})
    texts = [f"{text} {'Sits. ' * (place % 13)}" for place, text in enumerate(TEXTS * 30)]
    together = Predictor.load(path).probabilities(texts)
    for module, limit in ((encoder, "_TOGETHER_TOKENS"), (encoder, "APART_TOKENS"), (early_exit, "APART_TOKENS")):
        monkeypatch.setattr(module, limit, 96)
    sizes: dict[str, list[int]] = {"input_ids": [], "states": []}
    make = encoder.open_session

    def watched(graph: Path, threads: int, alone: bool) -> Any:
        session = make(graph, threads, alone)

        class Watched:
            def run(self, names: list[str], taken: dict[str, np.ndarray]) -> Any:
                sizes[next(name for name in taken if name in sizes)].append(taken["attention_mask"].size)
                return session.run(names, taken)

        return Watched()

    monkeypatch.setattr(early_exit, "open_session", watched)
    predictor = Predictor.load(path)
    apart, again = predictor.probabilities(texts), predictor.probabilities(texts)
    assert 4 < len(sizes["states"]) < len(sizes["input_ids"]) * 0.8
    assert max(*sizes["states"], *sizes["input_ids"]) <= 96
    for head in HEADS:
        np.testing.assert_allclose(apart[head], together[head], atol=1e-6)
        assert np.array_equal(apart[head], again[head])


def test_it_is_as_calibrated_as_its_model_keeps_within_the_tolerance_and_does_not_become_champion(exiting: Exiting) -> None:
    whole = read_bundle(exiting.models / "tiny")
    assert exiting.early.settings["temperature"] == whole.settings["temperature"]
    assert exiting.early.settings["of"] == {"name": "tiny", "sha256": bundle_sha256(whole)}
    assert exiting.early.metrics["validation/stance_f1"] >= whole.metrics["validation/stance_f1"] - 0.005
    assert 0 <= exiting.early.metrics["early_exit/validation_share"] <= 1
    assert not challenges(exiting.early)
    assert training_spec(RECIPE, read_material(exiting.corpus)).tags["encoder"] == "that of champion"


def test_it_can_be_the_champion_of_a_cascade(exiting: Exiting) -> None:
    recipe = Recipe("cascade", "both", cascade=CascadeSettings(fast="floor", champion="early"))
    cascade = train(recipe, read_material(exiting.corpus), exiting.models, exiting.store)
    assert [member_path(cascade, role).name for role in ROLES] == ["floor", "early"]
    answered = {score.answered_by for score in Predictor.load(cascade.path, sure=1.0).predict(TEXTS)}
    assert answered == {"early"}


def test_models_that_take_turns_leave_each_other_the_cores(
    exiting: Exiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []
    make = encoder.open_session

    def recorded(graph: Path, threads: int, alone: bool = True) -> object:
        opened.append(alone)
        return make(graph, threads, alone)

    for module in (encoder, early_exit):
        monkeypatch.setattr(module, "open_session", recorded)
    Predictor.load(exiting.models / "tiny")
    assert opened == [True]
    Predictor.load(exiting.early.path)
    assert opened[1:] == [False, False]
    opened.clear()
    recipe = Recipe("both", "both", cascade=CascadeSettings(fast="tiny", champion="early"))
    train(recipe, read_material(exiting.corpus), exiting.models, tmp_path / "mlruns")
    opened.clear()
    Predictor.load(exiting.models / "both")
    assert opened == [False] * 3


@pytest.mark.parametrize("sure", [None, {}, {"stance": "very", "sentiment": 0.5}])
def test_without_how_sure_it_must_be_it_is_refused_in_a_line(exiting: Exiting, tmp_path: Path, sure: object) -> None:
    with pytest.raises(BundleError, match="lacks what counts as sure; train it again") as error:
        Predictor.load(told(exiting, tmp_path, sure))
    assert "\n" not in str(error.value)


def test_what_has_no_such_layers_is_told_in_a_line_before_anything_is_read(
    exiting: Exiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_exit_road, "read_unlabelled", None)
    material = read_material(exiting.corpus)
    with pytest.raises(RecipeError, match="an exit after 2 layers needs an encoder with more than those: this one has 2"):
        train(replace(RECIPE, early_exit=EarlyExitSettings(layers=2)), material, exiting.models, exiting.store)
    with pytest.raises(RecipeError, match="and 'floor' is no encoder: `make train` trains one"):
        train(replace(RECIPE, early_exit=EarlyExitSettings(of="floor")), material, exiting.models, exiting.store)
    with pytest.raises(RecipeError, match=r"'early' builds on the model 'nowhere'.*train that first"):
        train(replace(RECIPE, early_exit=EarlyExitSettings(of="nowhere")), material, exiting.models, exiting.store)


def test_states_are_those_of_the_layer_asked_for(exiting: Exiting) -> None:
    model = onnx.load(exiting.models / "tiny" / "model.onnx")
    norms = [node.output[0] for node in model.graph.node if node.op_type == "LayerNormalization"]
    assert layer_states(model, 1) == norms[2]
    assert len(onnx.load(exiting.early.path / LOWER_FILE).graph.node) > len(norms)


@pytest.fixture
def tuning(exiting: Exiting, monkeypatch: pytest.MonkeyPatch) -> "Tuning":
    monkeypatch.setattr(exit_tuning, "_BATCH_TOKENS", 256)
    return Tuning.of(exiting)


@dataclass(frozen=True)
class Tuning:
    """What a tiny exit is tuned by: the weights of its model, what that says, and a head that knows little yet."""

    weights: Path
    windows: Windows
    taught: Taught
    head: ExitNetwork

    @classmethod
    def of(cls, exiting: Exiting) -> "Tuning":
        """Have the tiny champion asked, and a head fitted to four of its answers."""
        whole = exiting.models / "tiny"
        texts = [sentence.text for sentence in of_split(read_material(exiting.corpus).sentences, "train")]
        windows = Windows.read(whole / TOKENIZER_FILE, 128)
        answers = ask_layer(whole / GRAPH_FILE, windows, 1, texts, "tiny")
        few = answers.rows(slice(4))
        head = fit_exit(few.means, few.said, neurons=16, seed=1)
        return cls(exiting.models / TRAINED / "tiny", windows, Taught(texts, answers.said), head)

    def run(self, checkpoint: Path) -> WithExit:
        """Tune, and give the network with its exit."""
        network, head = read_network(self.weights, "mean"), deepcopy(self.head)
        settings = EarlyExitSettings(layers=1, epochs=4, learning_rate=1e-3)
        tune_exit(network, head, self.windows, self.taught, settings, 1, Checkpoint(checkpoint, {}))
        return WithExit(network, head, 1).eval()

    def far(self, both: WithExit) -> list[float]:
        """Give how far what the exit says, and what the whole says, are from what is taught."""
        ids, mask = self.windows.pad(first_windows(self.windows, self.taught.texts))
        wanted = {head: torch.from_numpy(said) for head, said in self.taught.said.items()}
        with torch.no_grad():
            return [float(distance(logits, wanted)) for logits in both(torch.from_numpy(ids), torch.from_numpy(mask))]


def test_tuned_the_exit_comes_nearer_to_what_the_model_says_and_the_model_stays_by_it(tuning: Tuning, tmp_path: Path) -> None:
    before = tuning.far(WithExit(read_network(tuning.weights, "mean"), tuning.head, 1).eval())
    after = tuning.far(tuning.run(tmp_path / "checkpoint"))
    assert after[0] < before[0] - 0.1
    assert after[1] < before[1] + 0.01


def test_a_tuning_that_was_interrupted_ends_as_if_it_had_not_been(
    tuning: Tuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exit_tuning, "_KEPT_EVERY", 2)
    undisturbed = tuning.run(tmp_path / "undisturbed").state_dict()
    steps = iter(range(5))
    step = exit_tuning._step

    def interrupted(*given: Any) -> float:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return step(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(exit_tuning, "_step", interrupted)
        tuning.run(tmp_path / "interrupted")
    for name, tensor in tuning.run(tmp_path / "interrupted").state_dict().items():
        assert torch.equal(tensor, undisturbed[name]), name


def test_a_recipe_that_tunes_exports_what_it_has_become_and_leaves_its_model_alone(
    exiting: Exiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exit_tuning, "_BATCH_TOKENS", 256)
    recipe = Recipe("tuned", "goes on", early_exit=EarlyExitSettings(layers=1, neurons=16, epochs=2, learning_rate=1e-3))
    champion = bundle_sha256(read_bundle(exiting.models / "tiny"))
    tuned = train(recipe, read_material(exiting.corpus), exiting.models, tmp_path / "mlruns")
    assert bundle_sha256(read_bundle(exiting.models / "tiny")) == champion == tuned.settings["of"]["sha256"]
    assert tuned.settings["precision"] == "int8"
    assert {"early_exit/tuning_cost_stance_f1", "early_exit/tuning_cost_sentiment_f1"} <= tuned.metrics.keys()
    assert not (exiting.models / CHECKPOINTS / "tuned").exists()
    never = Predictor.load(told(replace(exiting, early=tuned), tmp_path, dict.fromkeys(HEADS, 1.0)))
    said, before = never.probabilities(TEXTS), Predictor.load(exiting.models / "tiny").probabilities(TEXTS)
    assert not np.array_equal(said["stance"], before["stance"])
    assert np.array_equal(said["stance"].argmax(axis=1), before["stance"].argmax(axis=1))


def test_without_the_model_as_it_was_trained_it_is_told_what_to_do(exiting: Exiting, tmp_path: Path) -> None:
    models = Path(shutil.copytree(exiting.models, tmp_path / "models"))
    shutil.rmtree(models / TRAINED)
    recipe = replace(RECIPE, early_exit=EarlyExitSettings(layers=1, epochs=1))
    with pytest.raises(RecipeError, match=r"`make train RECIPE=tiny` trains it again, and with epochs = 0 .* alone$"):
        train(recipe, read_material(exiting.corpus), models, tmp_path / "mlruns")


def test_a_head_learns_what_a_model_says_and_gives_it_of_means_as_they_come() -> None:
    rng = np.random.default_rng(1)
    means = (rng.normal(size=(2000, 6)) * [1, 5, 0.1, 1, 1, 1] + [9, 0, 0, 0, 0, 0]).astype(np.float32)
    truth = {head: rng.normal(size=(6, len(labels))).astype(np.float32) for head, labels in HEADS.items()}
    said = {head: softmax((means - means.mean(axis=0)) @ weights) for head, weights in truth.items()}
    head = fit_exit(means, said, neurons=32, seed=1).learnt()
    assert head.width == 6
    for name, logits in head.logits(means).items():
        assert (logits.argmax(axis=1) == said[name].argmax(axis=1)).mean() > 0.85
    again = fit_exit(means, said, neurons=32, seed=1).learnt()
    assert np.array_equal(again.into, head.into)

"""A made corpus and the models trained on it, shared by all tests: no network, no GPU, seconds."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsstance import Predictor
from newsstance.bundle import Bundle
from tests.made import made_sentences, make_encoder, tiny_encoder_recipe, tiny_linear_recipe
from training.corpus import write_corpus
from training.material import read_sound_material
from training.split import assign_splits
from training.train import train


@dataclass(frozen=True)
class Trained:
    """Two trained models: where they and their runs lie, and their descriptions."""

    corpus: Path
    encoder: Path
    models: Path
    store: Path
    linear: Bundle
    tiny: Bundle


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a small sound corpus."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    write_corpus(assign_splits(made_sentences()), path)
    return path


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a tiny encoder with random weights."""
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session", autouse=True)
def _sampled_often() -> Iterator[None]:
    """Have system metrics sampled more often than the tiny trainings are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.5")
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, corpus: Path, encoder: Path) -> Trained:
    """Train a linear model and a tiny encoder, end to end."""
    home = tmp_path_factory.mktemp("trained")
    models, store = home / "models", home / "mlruns"
    material = read_sound_material(corpus)
    linear = train(tiny_linear_recipe(), material, models, store)
    tiny = train(tiny_encoder_recipe(encoder), material, models, store)
    return Trained(corpus, encoder, models, store, linear, tiny)


@pytest.fixture(scope="session", params=["linear", "tiny"])
def predictor(request: pytest.FixtureRequest, trained: Trained) -> Predictor:
    """Give the predictor of each kind of model in turn."""
    bundle: Bundle = getattr(trained, request.param)
    return Predictor.load(bundle.path)


@pytest.fixture
def unused_port() -> int:
    """Give a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Halved tokens: what they are, that the graph says what the network says, and that a halved network learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import BertModel

from newsstance import Predictor
from newsstance.models import softmax
from newsstance.tokens import TOKENIZER_FILE, Windows
from tests.made import tiny_encoder_recipe
from training.as_trained import TRAINED
from training.errors import EncoderError
from training.funnel import funnel, halve_mask, halve_rows
from training.material import read_material
from training.network_answers import network_logits
from training.onnx_graph import write_float_graph
from training.pretrained import load_network
from training.recipe import EncoderSettings, TeacherSettings
from training.train import train
from training.weights import read_network

TEXTS = ["", "Hopes.", "Fears meets hopes.", "Fears meets hopes hailed doubts.", "Hopes " * 9]


def settings_of(encoder: Path, **changes: object) -> EncoderSettings:
    settings = tiny_encoder_recipe(encoder, **changes).encoder
    assert settings is not None
    return settings


def test_halved_rows_are_means_of_pairs_and_an_odd_one_stays() -> None:
    values = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 50.0], [7.0, 70.0], [9.0, 90.0]], np.float32)
    halved, lengths = halve_rows(values, np.array([3, 2]))
    assert halved.tolist() == [[2, 20], [5, 50], [8, 80]]
    assert lengths.tolist() == [2, 1]
    assert halve_rows(halved, lengths)[0].tolist() == [[3.5, 35], [8, 80]]


def test_a_mask_is_halved_as_often_as_its_tokens_were() -> None:
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    assert halve_mask(mask, 5).tolist() == mask.tolist()
    assert halve_mask(mask, 3).tolist() == [[1, 1, 1], [1, 1, 0]]
    assert halve_mask(mask, 2).tolist() == [[1, 1], [1, 0]]


def test_without_layers_above_them_halved_states_are_means_of_the_states_below(encoder: Path) -> None:
    network = load_network(settings_of(encoder)).eval()
    assert isinstance(network.encoder, BertModel)
    windows = Windows.read(encoder / TOKENIZER_FILE, 16)
    ids, mask = (torch.from_numpy(values) for values in windows.pad(windows.cut(TEXTS)))
    network.encoder.encoder.layer = network.encoder.encoder.layer[:1]
    below = network.states(ids, mask)[0]
    halved, left = halve_rows(below[mask.bool()].detach().numpy(), mask.sum(dim=1).numpy())
    network.encoder.encoder.layer.append(_Nothing())
    states, fewer = funnel(network.encoder, {1}, ids, mask)
    assert fewer.sum(dim=1).tolist() == left.tolist()
    np.testing.assert_allclose(states[fewer.bool()].detach().numpy(), halved, atol=1e-5)


class _Nothing(torch.nn.Module):
    def forward(self, states: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return states


def test_a_text_is_not_changed_by_longer_neighbours_and_the_graph_says_the_same(encoder: Path, tmp_path: Path) -> None:
    network = load_network(settings_of(encoder, halve_after=[0, 1])).eval()
    windows = Windows.read(encoder / TOKENIZER_FILE, 16)
    together = network_logits(network, windows, TEXTS)["stance"]
    write_float_graph(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    ids, mask = windows.pad(windows.cut(TEXTS))
    stance, _ = session.run(None, {"input_ids": ids, "attention_mask": mask})
    np.testing.assert_allclose(softmax(stance), softmax(together), atol=1e-5)
    for place, text in enumerate(TEXTS):
        np.testing.assert_allclose(network_logits(network, windows, [text])["stance"][0], together[place], atol=1e-4)
        ids, mask = windows.pad(windows.cut([text]))
        stance, _ = session.run(None, {"input_ids": ids, "attention_mask": mask})
        np.testing.assert_allclose(stance[0], together[place], atol=1e-4)


def test_a_halved_encoder_learns_is_exported_and_read_again(encoder: Path, corpus: Path, tmp_path: Path) -> None:
    material = read_material(corpus)
    teacher = replace(tiny_encoder_recipe(encoder), name="whole")
    train(teacher, material, tmp_path / "models", tmp_path / "mlruns")
    taught = TeacherSettings(model="whole", states=1.0)
    recipe = replace(tiny_encoder_recipe(encoder, halve_after=[1], freeze_words=False), name="halved", teacher=taught)
    bundle = train(recipe, material, tmp_path / "models", tmp_path / "mlruns")
    assert bundle.metrics["validation/stance_f1"] > 0.9
    trained = tmp_path / "models" / TRAINED / "halved"
    texts = [sentence.text for sentence in material.sentences[:20]]
    network = read_network(trained, bundle.recipe["encoder"])
    read = network_logits(network, Windows.read(trained / TOKENIZER_FILE, 16), texts)["stance"]
    said = Predictor.load(trained).probabilities(texts)["stance"]
    assert (read.argmax(axis=1) == said.argmax(axis=1)).all()
    assert np.abs(Predictor.load(bundle.path).probabilities(texts)["stance"] - said).max() < 0.2


def test_what_cannot_be_halved_is_told_in_a_line(encoder: Path) -> None:
    with pytest.raises(EncoderError, match=r"halve_after is \[2\]; the encoder .* has 2 layers here"):
        load_network(settings_of(encoder, halve_after=[2]))
    with pytest.raises(ValueError, match="leaves no token of its own"):
        settings_of(encoder, halve_after=[1], pooling="cls")

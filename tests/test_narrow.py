"""Encoders made narrower before they learn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, BertModel, DistilBertConfig, DistilBertModel

from newsstance import Predictor
from tests.made import tiny_encoder_recipe
from training.as_trained import TRAINED
from training.errors import EncoderError
from training.material import read_material
from training.narrow import narrow
from training.train import train
from training.weights import CONFIG_FILE, WEIGHTS_FILE

IDS = torch.tensor([[2, 7, 9, 4, 3, 0], [2, 5, 6, 8, 4, 3]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]])


@pytest.fixture
def bert(encoder: Path) -> Any:
    network: Any = BertModel.from_pretrained(encoder)
    return network.eval()


def states(encoder: Any) -> Tensor:
    with torch.no_grad():
        given: Tensor = encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
    return given


def test_neurons_that_do_nothing_are_the_ones_that_go(bert: Any) -> None:
    idle = torch.arange(64) % 2 == 0
    with torch.no_grad():
        for layer in bert.encoder.layer:
            layer.output.dense.weight[:, idle] = 0.0
    before = states(bert)
    narrow(bert, 32, [(IDS, MASK)])
    assert {tuple(layer.output.dense.weight.shape) for layer in bert.encoder.layer} == {(32, 32)}
    assert bert.config.intermediate_size == 32
    torch.testing.assert_close(states(bert), before)


def test_what_neurons_do_in_padding_does_not_count(bert: Any) -> None:
    layer = bert.encoder.layer[0]
    sizes = []
    layer.output.dense.register_forward_pre_hook(lambda _, taken: sizes.append(taken[0].abs()))
    states(bert)
    of_tokens = (sizes[0] * MASK.unsqueeze(-1)).sum(dim=(0, 1)) * layer.output.dense.weight.norm(dim=0)
    wanted = layer.intermediate.dense.weight[of_tokens.topk(8).indices.sort().values]
    narrow(bert, 8, [(IDS, MASK)])
    assert torch.equal(layer.intermediate.dense.weight, wanted)


def test_an_encoder_that_cannot_be_made_so_narrow_is_told_of_in_a_line(bert: Any) -> None:
    with pytest.raises(EncoderError, match="feed_forward is 65, and the encoder's layers have 64 neurons"):
        narrow(bert, 65, [])
    other = DistilBertModel(DistilBertConfig(vocab_size=20, dim=32, n_layers=1, n_heads=2, hidden_dim=32))
    other.config.intermediate_size = 32  # as wide as the states: four products more are of that width
    with pytest.raises(EncoderError, match="the 32 neurons of this encoder's layers aren't found"):
        narrow(other, 8, [])


def test_a_narrower_encoder_is_trained_and_exported_and_what_is_frozen_keeps_the_neurons_it_came_with(
    encoder: Path, corpus: Path, tmp_path: Path
) -> None:
    recipe = replace(tiny_encoder_recipe(encoder, feed_forward=16, frozen_layers=1), name="narrow")
    bundle = train(recipe, read_material(corpus), tmp_path / "models", tmp_path / "mlruns")
    kept = tmp_path / "models" / TRAINED / "narrow"
    assert AutoConfig.from_pretrained(kept / CONFIG_FILE).intermediate_size == 16
    came: Any = BertModel.from_pretrained(encoder)
    weights = load_file(kept / WEIGHTS_FILE)
    neurons = [
        (mine == theirs).all(dim=1).any()
        for theirs in [came.encoder.layer[0].intermediate.dense.weight]
        for mine in weights["encoder.encoder.layer.0.intermediate.dense.weight"].unsqueeze(1)
    ]
    assert len(neurons) == 16
    assert all(neurons)
    (score,) = Predictor.load(bundle.path).predict(["Qwertyui hopes asdfghjk."])
    assert score.stance == "optimistic"

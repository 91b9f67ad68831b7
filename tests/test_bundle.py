"""An exported model guards its files."""

import json
import shutil
from pathlib import Path

import pytest

from newsstance import BundleError, Predictor
from newsstance.bundle import read_bundle
from newsstance.labels import HEADS
from tests.conftest import Trained


@pytest.fixture
def copy(trained: Trained, tmp_path: Path) -> Path:
    """Give the folder of a copy of the tiny encoder's bundle, free to be spoilt."""
    return Path(shutil.copytree(trained.tiny.path, tmp_path / "copy"))


def change(folder: Path, **changes: object) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_bundle_tells_where_it_comes_from(trained: Trained) -> None:
    bundle = read_bundle(trained.tiny.path)
    assert bundle == trained.tiny
    assert dict(bundle.labels) == HEADS
    assert bundle.run_id
    assert len(bundle.corpus_sha256) == 64
    assert {"validation/stance_f1", "test/stance_f1", "test/sentiment_f1", "test/stance_recall_alarmed"} <= set(bundle.metrics)
    assert {"model.onnx", "tokenizer.json"} == set(bundle.files)
    assert {"numpy", "onnxruntime", "torch"} <= set(bundle.versions)


def test_nothing_in_an_exported_model_is_a_pickle(trained: Trained) -> None:
    names = {path.name for path in trained.models.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert names == {
        "README.md", "bundle.json", "champion", "config.json", "model.onnx", "model.safetensors", "predictions.json",
        "tokenizer.json", "vocabulary.json",
        "weights.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_an_altered_file_is_refused_by_name(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name}.*hash"):
        Predictor.load(copy)


def test_a_missing_file_is_refused_by_name(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"tokenizer\.json.*missing"):
        Predictor.load(copy)


def test_a_file_outside_the_bundle_is_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    change(copy, files={"../outside": {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(BundleError, match="missing"):
        Predictor.load(copy)


@pytest.mark.parametrize("kind", ["tiny", "linear"])
def test_a_file_that_no_hash_guards_is_not_opened(trained: Trained, tmp_path: Path, kind: str) -> None:
    folder = Path(shutil.copytree(getattr(trained, kind).path, tmp_path / kind))
    change(folder, files={})
    with pytest.raises(BundleError, match="doesn't list"):
        Predictor.load(folder)


def test_labels_in_another_order_are_refused(copy: Path) -> None:
    change(copy, labels={"stance": ["none", "alarmed", "cautious", "optimistic"], "sentiment": HEADS["sentiment"]})
    with pytest.raises(BundleError, match="labels"):
        Predictor.load(copy)


def test_another_format_is_refused(copy: Path) -> None:
    change(copy, format=99)
    with pytest.raises(BundleError, match="format 99"):
        Predictor.load(copy)


@pytest.mark.parametrize("content", ["", "[]", "{}", "not json", '{"format": 1}'])
def test_a_broken_description_is_refused_in_one_line(copy: Path, content: str) -> None:
    (copy / "bundle.json").write_text(content)
    with pytest.raises(BundleError) as error:
        Predictor.load(copy)
    assert "\n" not in str(error.value)


def test_a_files_hash_that_was_forged_with_it_still_needs_a_real_model(copy: Path) -> None:
    (copy / "model.onnx").write_bytes(b"not a graph")
    content = json.loads((copy / "bundle.json").read_text())
    from newsstance.bundle import record_files

    record = record_files(copy)["model.onnx"]
    content["files"]["model.onnx"] = {"sha256": record.sha256, "bytes": record.bytes}
    (copy / "bundle.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match="can't be loaded"):
        Predictor.load(copy)

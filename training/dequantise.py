"""A BERT encoder in float32 from an ONNX graph whose weights were quantised to integers."""

import json
import shutil
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file

from newsstance.tokens import TOKENIZER_FILE
from training.errors import EncoderError

GRAPH_FILE: Final = "model.onnx"
_QUANTISED: Final = "_quantized"


def dequantise_bert(source: Path, target: Path) -> None:
    """Write the encoder of the folder ``source`` (``model.onnx``, ``config.json``, ``tokenizer.json``) to ``target``.

    A quantised weight is (q − zero point) · scale, and a matrix stands transposed in ``MatMul``'s order. Raises
    ``EncoderError`` if the graph has no quantised weights.
    """
    graph = onnx.load(source / GRAPH_FILE)
    if not any(item.name.endswith(_QUANTISED) for item in graph.graph.initializer):
        raise EncoderError(f"{source}: model.onnx has no quantised weights")
    target.mkdir(parents=True, exist_ok=True)
    save_file(bert_tensors(graph), target / "model.safetensors", {"format": "pt"})
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    kept = {name: value for name, value in config.items() if name not in ("_name_or_path", "torch_dtype")}
    (target / "config.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")
    shutil.copyfile(source / TOKENIZER_FILE, target / TOKENIZER_FILE)


def bert_tensors(model: onnx.ModelProto) -> dict[str, npt.NDArray[np.float32]]:
    """Give the weights of ``model`` under the names of transformers' ``BertModel``, in float32.

    Layer norms and biases are stored by those names already; embeddings too, but for a suffix; a matrix has the name of the
    ``MatMulInteger`` node that multiplies by it.
    """
    stored = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    tensors = {name: _plain(value) for name, value in stored.items() if _is_named_weight(name)}
    for name in stored:
        if name.endswith(_QUANTISED) and "::" not in name:
            tensors[name.removesuffix(_QUANTISED)] = _weight(name.removesuffix(_QUANTISED), stored)
    for node in model.graph.node:
        if node.op_type == "MatMulInteger" and node.input[1] in stored:
            place = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
            tensors[f"{place}.weight"] = _plain(_weight(node.input[1].removesuffix(_QUANTISED), stored).T)
    return tensors


def _is_named_weight(name: str) -> bool:
    return name.startswith(("embeddings.", "encoder.")) and name.endswith((".weight", ".bias"))


def _weight(name: str, stored: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    quantised, zero = stored[name + _QUANTISED].astype(np.float32), stored[f"{name}_zero_point"].astype(np.float32)
    return _plain((quantised - zero) * stored[f"{name}_scale"])


def _plain(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(value, dtype=np.float32)

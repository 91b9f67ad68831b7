"""The trained network as an ONNX graph with int8 weights and activations, whose ranges are fixed at export."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from newsstance.encoder import ATTENTION_MASK, INPUT_IDS
from newsstance.tokens import Windows, batches_by_length
from training.onnx_graph import quiet, write_int8_graph

RANGED: Final = 400
"""Sentences by which the ranges are found."""

_BATCH_TOKENS: Final = 1024


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Hands the graph's inputs for texts to the quantiser, batch by batch."""

    def __init__(self, windows: Windows, texts: Sequence[str]) -> None:
        self._inputs = self._batches(windows, texts)

    def get_next(self) -> dict[str, Any] | None:
        """Give the inputs of the next batch, or ``None`` after the last."""
        return next(self._inputs, None)

    @staticmethod
    def _batches(windows: Windows, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        cut = windows.cut(texts)
        for batch in batches_by_length([len(window.ids) for window in cut], _BATCH_TOKENS):
            ids, mask = windows.pad([cut[index] for index in batch])
            yield {INPUT_IDS: ids, ATTENTION_MASK: mask}


def write_ranged_graph(float_graph: Path, path: Path, windows: Windows, texts: Sequence[str]) -> None:
    """Write the graph at ``float_graph`` to ``path`` in int8, with the ranges of activations that ``texts`` show.

    They hold for every text alike, so that an answer doesn't depend on the texts beside it, and spare finding them while
    running. The products that narrow, a layer's last and the heads, stay as ``write_int8_graph`` makes them: outliers in what
    they take would cost most of what int8 costs at all. Weights have seven bits, since products of eight overflow on
    processors without VNNI. See ``training/NOTES.md``.
    """
    with quiet(), tempfile.TemporaryDirectory() as folder:
        prepared, ranged = Path(folder) / "prepared.onnx", Path(folder) / "ranged.onnx"
        quant_pre_process(float_graph, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            ranged,
            _Batches(windows, texts),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=_narrowing(onnx.load(prepared).graph),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        write_int8_graph(ranged, path)


def _narrowing(graph: onnx.GraphProto) -> list[str]:
    """Name the matrix products of ``graph`` whose weights take more values than they give."""
    shapes = {weights.name: list(weights.dims) for weights in graph.initializer}
    taken = {node.name: [shapes[name] for name in node.input if len(shapes.get(name, [])) == 2] for node in graph.node}
    products = [node.name for node in graph.node if node.op_type == "MatMul"]
    return [name for name in products if any(rows > columns for rows, columns in taken[name])]

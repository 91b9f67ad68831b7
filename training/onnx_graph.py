"""The trained network as an ONNX graph with int8 weights."""

import logging
import warnings
from pathlib import Path
from typing import Final

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from newsstance.encoder import ATTENTION_MASK, INPUT_IDS, logits_name
from newsstance.labels import HEADS
from training.two_heads import TwoHeads

OPSET: Final = 18


def write_float_graph(network: TwoHeads, path: Path) -> None:
    """Write ``network`` to ``path`` as a float32 graph that takes any number of texts of any length."""
    example = torch.ones((2, 7), dtype=torch.long)
    axes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            network.eval().cpu(),
            (example, example.clone()),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT_IDS, ATTENTION_MASK],
            output_names=[logits_name(head) for head in HEADS],
            dynamic_shapes=(axes, axes),
            verbose=False,
        )
    assert program is not None
    program.save(path)


def write_int8_graph(float_graph: Path, path: Path) -> None:
    """Write the graph at ``float_graph`` to ``path`` with int8 weights, a scale for each output channel.

    Activations are quantised while it runs, by the range of the batch.
    """
    logging.disable(logging.WARNING)  # it recommends a preparation that this graph, straight from the exporter, doesn't need
    try:
        quantize_dynamic(onnx.load(float_graph), path, per_channel=True, weight_type=QuantType.QInt8)
    finally:
        logging.disable(logging.NOTSET)

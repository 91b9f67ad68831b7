"""The trained network as an ONNX graph with int8 weights."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

from newsstance.encoder import ATTENTION_MASK, INPUT_IDS, logits_name
from newsstance.labels import HEADS
from training.two_heads import TwoHeads

OPSET: Final = 21
"""The first with what the int8 graph needs."""

_BLOCK: Final = 32
_INT8_ACTIVATIONS: Final = 4
"""MatMulNBits' accuracy level at which it computes with int8 activations."""


def write_float_graph(network: TwoHeads, path: Path) -> None:
    """Write ``network`` to ``path`` as a float32 graph that takes any number of texts of any length."""
    example = torch.ones((2, 7), dtype=torch.long)
    axes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    with quiet(), torch.no_grad():
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
    """Write the graph at ``float_graph`` to ``path`` with int8 weights, each block of 32 with a scale of its own.

    Activations are quantised to int8 while it runs, likewise in blocks, so that a text's answer doesn't depend on the texts
    beside it. ONNX Runtime's plain dynamic quantisation has one range for a whole batch: on the encoders here it cost up to
    0.02 stance_f1, and moved a probability by up to 0.28 with a text's neighbours (see ``training/NOTES.md``).
    """
    settings = DefaultWeightOnlyQuantConfig(block_size=_BLOCK, is_symmetric=True, accuracy_level=_INT8_ACTIVATIONS, bits=8)
    with quiet():
        quantiser = MatMulNBitsQuantizer(onnx.load(float_graph), algo_config=settings)
        quantiser.process()
        quantize_dynamic(quantiser.model.model, path, weight_type=QuantType.QUInt8, op_types_to_quantize=["Gather"])


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what exporter and quantisers tell of their own internals, node by node."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)

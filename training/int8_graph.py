"""The trained network as an ONNX graph with int8 weights and activations.

Each product of a tensor with a matrix of weights is computed in int8: the tensor's grid is found once, at export
(``training.reach``), and each column of weights has a scale of its own.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import NodeProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from newsstance.encoder import ATTENTION_MASK, INPUT_IDS
from newsstance.models import Floats
from newsstance.tokens import Windows, batches_by_length
from training.onnx_graph import quiet
from training.reach import Reach

_CALIBRATED: Final = 256
"""Sentences by which the ranges are found."""

_LEAST_COLUMNS: Final = 16
"""Products that give fewer values than this, the heads, cost next to nothing and stay in float32."""

_WEIGHT_STEPS: Final = 63
"""Weights have seven bits: a sum of two products of eight bits overflows on processors without VNNI."""

_RUNTIME: Final = "com.microsoft"
"""ONNX Runtime's own operators, of which one adds the bias while the product is still in the processor's cache."""

_BATCH_TOKENS: Final = 1024


def calibration_sample(texts: Sequence[str], seed: int) -> list[str]:
    """Choose those of ``texts`` that show the ranges of activations; the same ones for the same ``seed``."""
    return random.Random(seed).sample(texts, min(_CALIBRATED, len(texts)))


def write_int8_graph(float_graph: Path, path: Path, windows: Windows, texts: Sequence[str]) -> None:
    """Write the graph at ``float_graph`` to ``path`` in int8, with the ranges of activations that ``texts`` show.

    The ranges hold for every text alike, so that an answer doesn't depend on the texts beside it, as it does with ONNX
    Runtime's dynamic quantisation, which finds one range for a whole batch. Word vectors become uint8; all else stays as it is.
    ``training/NOTES.md`` tells what that costs and saves.
    """
    model = onnx.load(float_graph)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    products = [node for node in model.graph.node if _is_product(node, weights)]
    reaches = _reaches(model, dict.fromkeys(node.input[0] for node in products), windows, texts)
    graph = _Rewriting(model.graph, products, reaches)
    for node in products:
        graph.replace(node)
    graph.finish()
    model.opset_import.append(helper.make_opsetid(_RUNTIME, 1))
    apart = [node.name for node in model.graph.node if node.op_type == "Gather" and node.input[0] in reaches]
    with quiet():
        quantize_dynamic(model, path, weight_type=QuantType.QUInt8, op_types_to_quantize=["Gather"], nodes_to_exclude=apart)


def _is_product(node: NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    if node.op_type != "MatMul" or node.input[1] not in weights:
        return False
    shape = list(weights[node.input[1]].dims)
    return len(shape) == 2 and shape[-1] >= _LEAST_COLUMNS


def _reaches(model: onnx.ModelProto, names: Iterable[str], windows: Windows, texts: Sequence[str]) -> dict[str, Reach]:
    """Give the reach of each tensor of ``names`` over the tokens of ``texts``."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    names = list(names)
    shown.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    cut = windows.cut(texts)
    reaches: dict[str, Reach] = {}
    for batch in batches_by_length([len(window.ids) for window in cut], _BATCH_TOKENS):
        ids, mask = windows.pad([cut[index] for index in batch])
        for name, values in zip(names, session.run(names, {INPUT_IDS: ids, ATTENTION_MASK: mask}), strict=True):
            tokens = values[mask.astype(bool)]
            reaches.setdefault(name, Reach(tokens.min(axis=0), tokens.max(axis=0))).widen(tokens)
    return reaches


class _Rewriting:
    """Replaces products of a graph, with the biases added to them, each in the place where it stood."""

    def __init__(self, graph: onnx.GraphProto, products: Sequence[NodeProto], reaches: dict[str, Reach]) -> None:
        self._graph, self._reaches = graph, reaches
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._takers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self._takers[name].append(node)
        matrices: dict[str, list[Floats]] = defaultdict(list)
        for product in products:
            matrices[product.input[0]].append(self._matrix(product))
        self._parts = {taken: reaches[taken].parts(of_one) for taken, of_one in matrices.items()}
        self._instead: dict[str, list[NodeProto]] = {}
        self._quantised: set[str] = set()

    def replace(self, product: NodeProto) -> None:
        """Compute ``product`` in int8, and add its bias on the way."""
        taken = product.input[0]
        self._instead[product.name] = nodes = [] if taken in self._quantised else self._quantise(taken)
        addition, bias = self._bias(product)
        if addition is not None:
            self._instead[addition.name] = []
        given = product.output[0] if addition is None else addition.output[0]
        nodes.append(self._product(product, bias, given))

    def finish(self) -> None:
        """Put the new nodes in their places, and leave out the weights that nothing takes any longer."""
        nodes = [new for node in self._graph.node for new in self._instead.get(node.name, [node])]
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(nodes)
        taken = {name for node in nodes for name in node.input}
        tensors = [tensor for tensor in self._graph.initializer if tensor.name in taken]
        del self._graph.initializer[:]
        self._graph.initializer.extend(tensors)

    def _bias(self, product: NodeProto) -> tuple[NodeProto | None, str]:
        """Give the addition of a bias to ``product``, and the bias's name, if that is all that becomes of it."""
        takers = self._takers[product.output[0]]
        if len(takers) == 1 and takers[0].op_type == "Add":
            (other,) = (name for name in takers[0].input if name != product.output[0])
            if other in self._weights and len(self._weights[other].dims) == 1:
                return takers[0], other
        return None, ""

    def _quantise(self, taken: str) -> list[NodeProto]:
        """Give what puts ``taken`` on its grid, the parts of its far channels behind the rest."""
        self._quantised.add(taken)
        reach = self._reaches[taken]
        ends = [self._constant(f"{taken}:{name}", value) for name, value in reach.grid()._asdict().items()]
        if not len(reach.far()):
            return [named_node("QuantizeLinear", [taken, *ends], f"{taken}:grid")]
        parts = self._parts[taken]
        channel, share = self._constant(f"{taken}:channel", parts.channel), self._constant(f"{taken}:share", parts.share)
        offset = self._constant(f"{taken}:offset", parts.offset * reach.grid().step)
        return [
            named_node("QuantizeLinear", [taken, *ends], f"{taken}:near"),
            named_node("Gather", [taken, channel], f"{taken}:far", axis=-1),
            named_node("Mul", [f"{taken}:far", share], f"{taken}:shared"),
            named_node("Add", [f"{taken}:shared", offset], f"{taken}:spread"),
            named_node("QuantizeLinear", [f"{taken}:spread", *ends], f"{taken}:parts"),
            named_node("Concat", [f"{taken}:near", f"{taken}:parts"], f"{taken}:grid", axis=-1),
        ]

    def _product(self, product: NodeProto, bias: str, given: str) -> NodeProto:
        taken, name, parts = product.input[0], product.name, self._parts[product.input[0]]
        weights = self._matrix(product)
        rows = np.concatenate([weights, weights[parts.channel] * parts.weight[:, None]])
        rows[self._reaches[taken].far()] = 0.0  # what the grid can't hold of a far channel then counts for nothing
        step = np.maximum(np.abs(rows).max(axis=0) / _WEIGHT_STEPS, np.finfo(np.float32).tiny)
        offsets = np.concatenate([np.zeros(len(weights), np.float32), parts.offset])
        whole = np.clip(np.rint(rows / step + offsets[:, None]), -_WEIGHT_STEPS, _WEIGHT_STEPS).astype(np.int8)
        matrix, columns = self._constant(f"{name}:whole", whole), self._constant(f"{name}:step", step.astype(np.float32))
        zeros = self._constant(f"{name}:zero", np.zeros(len(step), np.int8))
        taking = [f"{taken}:grid", matrix, f"{taken}:step", columns, f"{taken}:zero", zeros, bias]
        return named_node("MatMulIntegerToFloat", taking, given, domain=_RUNTIME)

    def _matrix(self, product: NodeProto) -> Floats:
        return numpy_helper.to_array(self._weights[product.input[1]])

    def _constant(self, name: str, value: npt.ArrayLike) -> str:
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def named_node(kind: str, taken: Sequence[str], given: str, **settings: Any) -> NodeProto:
    """Make a node of the operator ``kind`` that is named as its one output, ``given``."""
    return helper.make_node(kind, taken, [given], name=given, **settings)

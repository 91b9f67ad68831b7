"""An exported encoder's graph in two parts: its lower layers with a head of their own, and those above."""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.utils import Extractor

from newsstance.early_exit import LOWER_FILE, STATES, UPPER_FILE
from newsstance.encoder import ATTENTION_MASK, INPUT_IDS, LOGITS
from newsstance.labels import HEADS
from newsstance.models import Floats
from training.errors import RecipeError
from training.exit_head import ExitHead
from training.int8_graph import named_node

_NORMS_A_LAYER: Final = 2
"""Layer norms in a layer, of which the last gives its states; one more lies below the first layer."""


def layer_states(model: onnx.ModelProto, layers: int) -> str:
    """Name the states that the lowest ``layers`` of the encoder ``model`` give.

    Raises ``RecipeError`` if there are no layers above them, or it isn't built of layers that end in a layer norm.
    """
    norms: list[str] = [node.output[0] for node in model.graph.node if node.op_type == "LayerNormalization"]
    there, odd = divmod(len(norms) - 1, _NORMS_A_LAYER)
    if odd or layers >= there:
        raise RecipeError(f"an exit after {layers} layers needs an encoder with more than those: this one has {max(there, 0)}")
    return norms[_NORMS_A_LAYER * layers]


def write_exit_graphs(graph: Path, folder: Path, layers: int, head: ExitHead) -> None:
    """Write the encoder at ``graph`` into ``folder``: its lowest ``layers`` with ``head``, and what lies above them."""
    model = onnx.load(graph)
    _rename(model, layer_states(model, layers), STATES)
    shape: list[str | int | None] = ["texts", "tokens", head.width]
    model.graph.value_info.append(helper.make_tensor_value_info(STATES, TensorProto.FLOAT, shape))
    parts = Extractor(model)
    lower = parts.extract_model([INPUT_IDS, ATTENTION_MASK], [STATES])
    _add_head(lower, head)
    onnx.save(lower, folder / LOWER_FILE)
    onnx.save(parts.extract_model([STATES, ATTENTION_MASK], list(LOGITS)), folder / UPPER_FILE)


def _rename(model: onnx.ModelProto, name: str, new: str) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, one in enumerate(names):
                if one == name:
                    names[place] = new


def _add_head(model: onnx.ModelProto, head: ExitHead) -> None:
    """Add to ``model`` the mean of its states over each text's tokens, and the logits that ``head`` makes of it."""
    graph = model.graph

    def constant(name: str, value: Floats | np.ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    into, into_bias = constant("exit:w1", head.into), constant("exit:b1", head.into_bias)
    last, tokens = constant("exit:last", np.array([-1])), constant("exit:tokens", np.array([1]))
    graph.node.extend([
        named_node("Cast", [ATTENTION_MASK], "exit:attended", to=TensorProto.FLOAT),
        named_node("Unsqueeze", ["exit:attended", last], "exit:mask"),
        named_node("Mul", [STATES, "exit:mask"], "exit:masked"),
        named_node("ReduceSum", ["exit:masked", tokens], "exit:sum", keepdims=0),
        named_node("ReduceSum", ["exit:mask", tokens], "exit:count", keepdims=0),
        named_node("Div", ["exit:sum", "exit:count"], "exit:pooled"),
        named_node("Gemm", ["exit:pooled", into, into_bias], "exit:neurons"),
        named_node("Relu", ["exit:neurons"], "exit:active"),
    ])  # fmt: skip
    for name, of_head in zip(LOGITS, HEADS, strict=True):
        weights, bias = constant(f"{name}:w", head.out_of[of_head]), constant(f"{name}:b", head.out_of_bias[of_head])
        graph.node.append(named_node("Gemm", ["exit:active", weights, bias], name))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", len(HEADS[of_head])]))

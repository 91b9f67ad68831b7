"""The int8 graph: as near the float32 one as its weights allow, also where channels reach far beyond the others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from newsstance.encoder import ATTENTION_MASK, GRAPH_FILE, INPUT_IDS, logits_name
from newsstance.labels import HEADS
from newsstance.models import Floats, softmax
from newsstance.tokens import TOKENIZER_FILE, Windows
from tests.conftest import Trained
from tests.made import made_sentences
from training import int8_graph, reach
from training.as_trained import TRAINED
from training.int8_graph import write_int8_graph
from training.reach import Reach

FAR = 200.0
TEXTS = [sentence.text for sentence in made_sentences()][:64]


@pytest.fixture
def stretched(trained: Trained, tmp_path: Path) -> Path:
    """Give the tiny encoder's float32 graph with one channel that reaches far: what feeds it grows, what it feeds shrinks."""
    model = onnx.load(trained.models / TRAINED / "tiny" / GRAPH_FILE)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    norm = next(node for node in model.graph.node if node.op_type == "LayerNormalization")
    taken = [node for node in model.graph.node if node.op_type == "MatMul" and node.input[0] == norm.output[0]]
    for name in norm.input[1:]:
        scale(tensors[name], FAR)
    for name in dict.fromkeys(node.input[1] for node in taken):
        scale(tensors[name], 1 / FAR)
    path = tmp_path / "stretched.onnx"
    onnx.save(model, path)
    return path


def scale(tensor: onnx.TensorProto, factor: float) -> None:
    values = numpy_helper.to_array(tensor).copy()
    values[3] *= factor
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@pytest.fixture
def difference(trained: Trained, tmp_path: Path) -> Callable[[Path], float]:
    """Give what measures the mean difference of probabilities between a float32 graph and its int8 one."""
    windows = Windows.read(trained.tiny.path / TOKENIZER_FILE, 16)

    def measure(graph: Path) -> float:
        write_int8_graph(graph, tmp_path / "int8.onnx", windows, TEXTS)
        pairs = zip(answers(graph, windows), answers(tmp_path / "int8.onnx", windows), strict=True)
        return float(np.mean([np.abs(whole - coarse).mean() for whole, coarse in pairs]))

    return measure


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


def answers(graph: Path, windows: Windows) -> list[Floats]:
    ids, mask = windows.pad(windows.cut(TEXTS))
    names = [logits_name(head) for head in HEADS]
    logits = onnxruntime.InferenceSession(graph).run(names, {INPUT_IDS: ids, ATTENTION_MASK: mask})
    return [softmax(values) for values in logits]


def test_a_far_channel_costs_nothing_where_it_is_split(
    stretched: Path, difference: Callable[[Path], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = difference(stretched)
    monkeypatch.setattr(reach, "_FAR", np.inf)
    assert apart < 0.01
    assert difference(stretched) > 3 * apart


def test_the_parts_of_a_far_channel_add_up_to_it_within_half_a_step_of_the_grid() -> None:
    rng = np.random.default_rng(4)
    near = rng.uniform(-1, 2, (64, 20))
    seen = Reach(floats(*near.min(axis=0), -9, -0.1), floats(*near.max(axis=0), 40, 70))
    parts, (step, zero) = seen.parts([np.ones((22, 3), np.float32)]), seen.grid()
    values = np.linspace([-9, -0.1], [40, 70], 999)
    split = values[:, parts.channel - 20] * parts.share
    points = np.rint(split / step + parts.offset) + zero
    assert points.min() >= 0
    assert points.max() <= 255
    for place in (0, 1):
        whole = ((points - float(zero)) * step)[:, parts.channel == 20 + place].sum(axis=1)
        np.testing.assert_allclose(whole, values[:, place], atol=0.501 * float(step))


def test_heavy_weights_of_a_far_channel_are_divided_for_more_parts() -> None:
    seen = Reach(floats(*[-1] * 10), floats(*[1] * 9, 40))
    light, heavy = np.ones((10, 3), np.float32), np.ones((10, 3), np.float32)
    heavy[9] = [0.5, -3, 1]
    few, many = seen.parts([light]), seen.parts([light, heavy])
    assert set(few.weight) == {1}
    assert many.weight == pytest.approx(1 / 3)
    assert len(many.channel) == 3 * len(few.channel)
    assert (many.share * many.weight).sum() == pytest.approx(1)


def test_a_channel_that_reaches_beyond_all_measure_widens_the_grid() -> None:
    ordinary = Reach(floats(*[-1] * 9), floats(*[1] * 9))
    stretched = Reach(floats(*[-1] * 10), floats(*[1] * 9, 1e6))
    assert len(ordinary.parts([np.ones((9, 3), np.float32)]).channel) == 0
    assert len(stretched.parts([np.ones((10, 3), np.float32)]).channel) < 200
    assert stretched.grid().step > 1000 * ordinary.grid().step


def test_every_product_but_the_heads_takes_integers(trained: Trained) -> None:
    model = onnx.load(trained.tiny.path / GRAPH_FILE)
    kinds = {tensor.name: (tensor.data_type, list(tensor.dims)) for tensor in model.graph.initializer}
    floats = [dims for kind, dims in kinds.values() if kind == onnx.TensorProto.FLOAT and len(dims) == 2]
    assert floats
    assert all(min(dims) < int8_graph._LEAST_COLUMNS for dims in floats)
    assert any(kind == onnx.TensorProto.INT8 for kind, _ in kinds.values())

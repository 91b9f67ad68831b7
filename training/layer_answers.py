"""What an exported encoder makes of texts at one of its layers, and what it says of them in the end."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper

from newsstance.cores import usable_cores
from newsstance.encoder import ATTENTION_MASK, INPUT_IDS, LOGITS, open_session
from newsstance.labels import HEADS
from newsstance.models import Floats, softmax
from newsstance.tokens import Windows, batches_by_length
from training.exit_graphs import layer_states
from training.network_answers import first_windows
from training.progress_bar import progress_bar

_BATCH_TOKENS: Final = 256


class LayerAnswers(NamedTuple):
    """Means of a layer's states, (texts, width), and a model's probabilities by head, (texts, labels)."""

    means: Floats
    said: Mapping[str, Floats]

    def rows(self, some: slice) -> "LayerAnswers":
        """Give those of some of the texts."""
        return LayerAnswers(self.means[some], {head: values[some] for head, values in self.said.items()})


def ask_layer(graph: Path, windows: Windows, layers: int, texts: Sequence[str], name: str) -> LayerAnswers:
    """Have the model at ``graph``, called ``name``, read ``texts``, of a long one its first window, on all cores.

    Raises ``RecipeError`` if it has no layers above its lowest ``layers``.
    """
    model = onnx.load(graph)
    states = layer_states(model, layers)
    model.graph.output.append(helper.make_tensor_value_info(states, TensorProto.FLOAT, None))
    session = open_session(model.SerializeToString(), threads=1)
    rows = first_windows(windows, texts)
    batches = list(batches_by_length([len(row.ids) for row in rows], _BATCH_TOKENS))

    def read(batch: Sequence[int]) -> tuple[Floats, list[Floats]]:
        ids, mask = windows.pad([rows[row] for row in batch])
        *logits, of_tokens = session.run([*LOGITS, states], {INPUT_IDS: ids, ATTENTION_MASK: mask})
        attended = mask[:, :, None].astype(np.float32)
        return (of_tokens * attended).sum(axis=1) / attended.sum(axis=1), logits

    answers = []
    with progress_bar(f"asking {name}", len(batches)) as bar, ThreadPoolExecutor(usable_cores()) as cores:
        for answer in cores.map(read, batches):
            answers.append(answer)
            bar.update()
    back = np.argsort(np.concatenate(batches))
    means = np.concatenate([of_batch for of_batch, _ in answers])[back]
    said = (np.concatenate(parts)[back] for parts in zip(*(logits for _, logits in answers), strict=True))
    return LayerAnswers(means, {head: softmax(logits) for head, logits in zip(HEADS, said, strict=True)})

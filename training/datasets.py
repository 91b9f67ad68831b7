"""The corpus as MLflow's dataset inputs, so that the runs table tells what each run was trained and measured on."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from newsstance.labels import HEADS
from training.corpus import FIELDS, Sentence, of_split
from training.material import Material

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput


def dataset_inputs(sentences: Sequence[Sentence], source: Path, digest: str) -> list["DatasetInput"]:
    """Describe each split, the training one first; MLflow's own digest would read 10,000 rows only."""
    splits = Counter(sentence.split for sentence in sentences)
    ordered = sorted(splits, key=lambda split: (split != "train", split))
    return [_dataset(split, splits[split], source, digest) for split in ordered]


def training_digest(train: Sequence[Sentence], material: Material) -> str:
    """Give the SHA-256 by which the training sentences ``train`` are known: that of ``material`` if they are all it has.

    MLflow keeps one dataset for a name and a digest, with the number of rows that came first: a part needs a digest of its own.
    """
    if train == of_split(material.sentences, "train"):
        return material.sha256
    rows = [(sentence.id, *(sentence.label(head) for head in HEADS)) for sentence in train]
    return hashlib.sha256(json.dumps([material.sha256, rows]).encode()).hexdigest()


def _dataset(split: str, rows: int, source: Path, digest: str) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    schema = {"mlflow_colspec": [{"name": name, "type": "string", "required": True} for name in FIELDS]}
    dataset = Dataset(
        name=f"newsstance {split}",
        digest=digest[:32],  # the longest that MLflow keeps is 36
        source_type="local",
        source=json.dumps({"uri": str(source)}),
        schema=json.dumps(schema),
        profile=json.dumps({"num_rows": rows}),
    )
    context = {"train": "training", "validation": "validation"}.get(split, "testing")
    return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])

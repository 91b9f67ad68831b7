"""The corpus as MLflow's dataset inputs, so that the runs table tells what each run was trained and measured on."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.corpus import FIELDS, Sentence

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput


def dataset_inputs(sentences: Sequence[Sentence], source: Path, digest: str) -> list["DatasetInput"]:
    """Describe each split, the training one first; MLflow's own digest would read 10,000 rows only."""
    splits = Counter(sentence.split for sentence in sentences)
    ordered = sorted(splits, key=lambda split: (split != "train", split))
    return [_dataset(split, splits[split], source, digest) for split in ordered]


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

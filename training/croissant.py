"""The corpus described for machines: Croissant (https://docs.mlcommons.org/croissant), in ``data/croissant.json``."""

import json
from pathlib import Path
from typing import Any, Final

from newsstance.files import file_sha256, write_atomically
from training.corpus import FIELDS, read_corpus

CROISSANT_FILE: Final = "croissant.json"
_DESCRIPTION: Final = (
    "English news sentences, invented, labelled with the stance that each takes towards how things are going or will turn out "
    "and with its sentiment; the labels of real news and every annotator's vote lie beside them. See README.md."
)
_MEANINGS: Final = {
    "id": "The first 12 hex digits of the SHA-256 of the text.",
    "text": "The sentence.",
    "stance": "optimistic, cautious, alarmed or none: what most of its annotators gave.",
    "sentiment": "negative, neutral or positive: what most of its annotators gave.",
    "topic": "One of twelve topics, empty where its writer gave none.",
    "origin": "How the sentence was written.",
    "block": "The sitting in which it was written; a block lies in one split.",
    "split": "train, validation or test.",
    "votes": "How many annotators labelled it.",
    "agreement": "The share of its annotators that gave its stance.",
}


def write_croissant(corpus: Path) -> Path:
    """Describe the corpus at ``corpus`` in a ``croissant.json`` beside it, and give that file's path."""
    target = corpus.parent / CROISSANT_FILE
    content = json.dumps(_metadata(corpus).to_json(), indent=2, default=str, ensure_ascii=False)
    write_atomically(target, (content + "\n").encode())
    return target


def outdated(corpus: Path) -> list[str]:
    """Give a line if the ``croissant.json`` beside ``corpus`` tells of another file than it is; none if there is none."""
    path = corpus.parent / CROISSANT_FILE
    if not path.is_file():
        return []
    told = {item.get("sha256") for item in json.loads(path.read_text(encoding="utf-8")).get("distribution", [])}
    return [] if file_sha256(corpus) in told else [f"{path} tells of another corpus; run `python -m training croissant`"]


def _metadata(corpus: Path) -> Any:
    import mlcroissant as mlc  # here, since only this command needs it

    first = read_corpus(corpus)[0]
    kinds = {str: mlc.DataType.TEXT, int: mlc.DataType.INTEGER, float: mlc.DataType.FLOAT}
    fields = [
        mlc.Field(
            id=f"sentences/{name}", name=name, description=_MEANINGS[name], data_types=kinds[type(getattr(first, name))],
            source=mlc.Source(file_object="corpus", extract=mlc.Extract(column=name)),
        )
        for name in FIELDS
    ]  # fmt: skip
    return mlc.Metadata(
        name="newsstance-corpus",
        description=_DESCRIPTION,
        distribution=[
            mlc.FileObject(
                id="corpus", name="corpus", description="One JSON object a line.", content_url=corpus.name,
                encoding_formats=["application/jsonlines"], sha256=file_sha256(corpus),
            )
        ],
        record_sets=[mlc.RecordSet(id="sentences", name="sentences", fields=fields)],
    )  # fmt: skip

"""The corpus described for machines."""

import json
import logging
import shutil
from pathlib import Path

import mlcroissant
import pytest

from newsstance.files import file_sha256
from training.cli import main
from training.corpus import FIELDS, read_corpus
from training.croissant import outdated, write_croissant


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # mlcroissant 1.1 on rdflib 7.6
def test_croissant_reads_every_sentence_and_field(corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    here = Path(shutil.copy(corpus, tmp_path))
    records = list(mlcroissant.Dataset(write_croissant(here)).records("sentences"))
    rows = read_corpus(here)
    assert len(records) == len(rows)
    first = {name.removeprefix("sentences/"): value for name, value in records[0].items()}
    assert set(first) == set(FIELDS)
    assert first["text"].decode() == rows[0].text
    assert (first["votes"], first["agreement"]) == (rows[0].votes, rows[0].agreement)


def test_a_description_of_another_corpus_is_a_breach(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = Path(shutil.copy(corpus, tmp_path))
    assert outdated(here) == []
    assert main(["croissant", "--corpus", str(here)]) == 0
    assert main(["check-data", "--corpus", str(here)]) == 0
    told = json.loads((tmp_path / "croissant.json").read_text())
    told["distribution"][0]["sha256"] = "0" * 64
    (tmp_path / "croissant.json").write_text(json.dumps(told))
    assert main(["check-data", "--corpus", str(here)]) == 1
    assert "run `python -m training croissant`" in capsys.readouterr().err


def test_the_corpus_of_the_repository_is_described_as_it_is() -> None:
    told = json.loads(Path("data/croissant.json").read_text())
    assert told["distribution"][0]["sha256"] == file_sha256(Path("data/corpus.jsonl"))

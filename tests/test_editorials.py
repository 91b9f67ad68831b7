"""Editorials by stand-off labels, whose text is fetched once and checked."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from newsstance.files import write_atomically
from tests.made import made_sentences
from training import editorials
from training.cli import main
from training.corpus import sentence_id, write_corpus
from training.editorials import EDITORIALS_PATH, fetch_editorials, read_editorials
from training.errors import CorpusError, DownloadError
from training.material import read_material
from training.packages import Package
from training.split import assign_splits
from training.standoff import text_hash

HEADER = "document\tposition\thash\tstance\tsentiment\tsplit\tvotes\tagreement\n"
PUBLISHED = "1_1\t0.4\t''Rain  fell in Oslo,'' the A&amp;amp;P said.\n1_2\t-1.2\tNobody was hurt.\n"
PLAIN = '"Rain fell in Oslo," the A&P said.'
Carry = Callable[[str], list[int]]


def packed(name: str, content: bytes) -> bytes:
    """Give a compressed archive that holds one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


@pytest.fixture
def carry(monkeypatch: pytest.MonkeyPatch) -> Carry:
    """Give a function that has the package carry a text; it gives a list that grows with each download."""
    downloads: list[int] = []

    def carry(text: str, inside: str = editorials._FILE) -> list[int]:
        def download(packages: Sequence[Package], folder: Path) -> list[Path]:
            downloads.append(len(packages))
            (folder / "source.tar.gz").write_bytes(packed(editorials._INNER, packed(inside, text.encode())))
            return [folder / "source.tar.gz"]

        monkeypatch.setattr(editorials, "download", download)
        return downloads

    monkeypatch.setattr(editorials, "_SHA256", hashlib.sha256(PUBLISHED.encode()).hexdigest())
    return carry


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Give the labels of one sentence, beside a small corpus."""
    write_corpus(assign_splits(made_sentences()), tmp_path / "corpus.jsonl")
    path = tmp_path / EDITORIALS_PATH.name
    path.write_text(HEADER + f"1\t1\t{text_hash(PLAIN)}\tcautious\tnegative\ttrain\t2\t0.5\n")
    return path


def test_a_label_joins_its_sentence_as_news_is_typed_today(carry: Carry, labels: Path, tmp_path: Path) -> None:
    carry(PUBLISHED)
    (sentence,) = read_editorials(labels, tmp_path / "texts" / "text.tsv")
    assert (sentence.text, sentence.id) == (PLAIN, sentence_id(PLAIN))
    assert (sentence.stance, sentence.origin, sentence.block, sentence.agreement) == (
        "cautious",
        "editorial",
        "editorial-1",
        0.5,
    )


def test_the_text_is_fetched_once(carry: Carry, tmp_path: Path) -> None:
    downloads = carry(PUBLISHED)
    for _ in range(2):
        assert fetch_editorials(tmp_path / "text.tsv").read_text() == PUBLISHED
    assert downloads == [1]


def test_another_text_is_refused_and_not_kept(carry: Carry, tmp_path: Path) -> None:
    carry("1_1\t0\tAnother text.\n")
    with pytest.raises(CorpusError, match="hash differs"):
        fetch_editorials(tmp_path / "text.tsv")
    assert [path.name for path in tmp_path.iterdir()] == [".text.tsv.lock"]


def test_a_package_without_the_text_is_refused(carry: Callable[[str, str], list[int]], tmp_path: Path) -> None:
    carry(PUBLISHED, "elsewhere.txt")
    with pytest.raises(CorpusError, match="doesn't hold what it must"):
        fetch_editorials(tmp_path / "text.tsv")


def test_a_kept_text_that_was_changed_is_an_error_that_says_what_to_do(labels: Path, tmp_path: Path) -> None:
    write_atomically(tmp_path / "text.tsv", b"1_1\t0\tAnother text.\n")
    with pytest.raises(CorpusError, match=r"sentence 1 of document 1, isn't in .*delete that file"):
        read_editorials(labels, tmp_path / "text.tsv")


def test_without_the_text_training_goes_on_says_so_and_has_another_hash(
    carry: Carry, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = tmp_path / "annotations" / "votes.tsv"
    votes.parent.mkdir()
    votes.write_text(f"id\tannotator\tstance\tsentiment\n{text_hash(PLAIN)}\tfirst\tcautious\tnegative\n")
    monkeypatch.chdir(tmp_path)
    carry(PUBLISHED)
    whole = read_material(tmp_path / "corpus.jsonl")
    editorials.TEXT.unlink()

    def nowhere(_packages: Sequence[Package], _folder: Path) -> list[Path]:
        raise DownloadError("vaderSentiment==3.3.2 can't be downloaded: no network")

    monkeypatch.setattr(editorials, "download", nowhere)
    rest = read_material(tmp_path / "corpus.jsonl")
    assert [sentence.text for sentence in whole.sentences if sentence not in rest.sentences] == [PLAIN]
    assert whole.sha256 != rest.sha256
    assert (list(whole.votes), list(rest.votes)) == ([text_hash(PLAIN)], [])
    assert "going on without the editorials" in capsys.readouterr().err
    assert main(["editorials"]) == 1
    assert "error: vaderSentiment==3.3.2 can't be downloaded" in capsys.readouterr().err

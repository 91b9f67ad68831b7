"""The corpus in data/, and the rules that guard it."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from newsstance.labels import HEADS
from tests.made import made_sentences
from training.check_data import breaches
from training.cli import main
from training.corpus import CORPUS_PATH, ORIGINS, SPLITS, Sentence, of_split, read_corpus, sentence_id, write_corpus
from training.editorials import ORIGIN as EDITORIAL
from training.errors import CorpusError
from training.import_corpus import import_corpus
from training.material import read_material
from training.near_duplicates import near_duplicates
from training.news import ORIGIN as NEWS
from training.press import HARD_ORIGIN
from training.press import ORIGIN as PRESS
from training.split import TRAIN_ONLY, assign_splits


@pytest.fixture(scope="module")
def ours() -> list[Sentence]:
    """Give the corpus that models are trained on."""
    return read_corpus(Path(__file__).parents[1] / CORPUS_PATH)


@pytest.fixture
def sound() -> list[Sentence]:
    """Give a small sound corpus, free to be spoilt."""
    return assign_splits(made_sentences())


def reworded(sentence: Sentence, text: str) -> Sentence:
    return replace(sentence, text=text, id=sentence_id(text))


def test_our_origins_are_those_that_a_recipe_may_name_anywhere(ours: list[Sentence]) -> None:
    assert {sentence.origin for sentence in ours} | {NEWS, EDITORIAL, PRESS, HARD_ORIGIN} == set(ORIGINS)


def test_no_block_of_our_corpus_lies_in_two_splits(ours: list[Sentence]) -> None:
    blocks = [{sentence.block for sentence in of_split(ours, split)} for split in SPLITS]
    assert sum(map(len, blocks)) == len(set.union(*blocks))


def test_our_splits_are_eighty_ten_ten_within_each_origin(ours: list[Sentence]) -> None:
    for origin in {sentence.origin for sentence in ours} - set(TRAIN_ONLY):
        of_origin = [sentence for sentence in ours if sentence.origin == origin]
        for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
            assert len(of_split(of_origin, split)) / len(of_origin) == pytest.approx(share, abs=0.07)


@pytest.mark.slow
def test_our_splits_are_what_the_seed_gives(ours: list[Sentence]) -> None:
    assert assign_splits([replace(sentence, split="") for sentence in ours]) == ours


def test_datasets_loads_our_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: list[Sentence]) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    data = str(Path(__file__).parents[1] / "data")
    loaded = datasets.load_dataset(data, cache_dir=str(tmp_path))
    assert loaded["corpus"].num_rows == len(ours)
    assert loaded["corpus"][0] == {name: getattr(ours[0], name) for name in ours[0].__slots__}


def test_the_whole_file_decides_the_hash(tmp_path: Path, sound: list[Sentence]) -> None:
    write_corpus(sound, tmp_path / "a")
    write_corpus([*sound[:-1], replace(sound[-1], topic="health")], tmp_path / "b")
    assert read_material(tmp_path / "a").sha256 != read_material(tmp_path / "b").sha256
    assert read_corpus(tmp_path / "a") == sound


BREACHES: list[tuple[str, Callable[[list[Sentence]], list[Sentence]]]] = [
    ("stance is 'hopeful'", lambda rows: [replace(rows[0], stance="hopeful"), *rows[1:]]),
    ("sentiment is ''", lambda rows: [replace(rows[0], sentiment=""), *rows[1:]]),
    ("topic is 'weather'", lambda rows: [replace(rows[0], topic="weather"), *rows[1:]]),
    ("split is 'dev'", lambda rows: [replace(row, split="dev") if row.block == rows[0].block else row for row in rows]),
    ("hash", lambda rows: [replace(rows[0], text="Another text."), *rows[1:]]),
    ("white space", lambda rows: [reworded(rows[0], "Two  spaces."), *rows[1:]]),
    ("origin is empty", lambda rows: [replace(rows[0], origin=""), *rows[1:]]),
    ("the same text 2 times", lambda rows: [*rows, rows[0]]),
    ("lies in 2 splits", lambda rows: [replace(rows[0], split="test" if rows[0].split != "test" else "train"), *rows[1:]]),
    ("near-duplicates", lambda rows: [
        *rows,
        replace(reworded(rows[0], rows[0].text[:-1] + "s."), block="new", split="test" if rows[0].split != "test" else "train"),
    ]),
    ("no sentence has the stance alarmed", lambda rows: [
        replace(row, stance="none") if row.split == "test" and row.stance == "alarmed" else row for row in rows
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "spoil"), BREACHES, ids=[words for words, _ in BREACHES])
def test_each_breach_is_named_with_its_rows(
    words: str,
    spoil: Callable[[list[Sentence]], list[Sentence]],
    sound: list[Sentence],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert breaches(sound) == []
    path = tmp_path / "corpus.jsonl"
    write_corpus(spoil(sound), path)
    assert main(["check-data", "--corpus", str(path)]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"id": "x"}', '{"text": 3}'])
def test_a_row_of_another_form_is_named_by_its_line(line: str, tmp_path: Path, sound: list[Sentence]) -> None:
    path = tmp_path / "corpus.jsonl"
    write_corpus(sound[:2], path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(CorpusError, match=r"corpus\.jsonl:3"):
        read_corpus(path)


def test_blocks_with_near_duplicates_go_to_one_split(sound: list[Sentence]) -> None:
    twin = replace(reworded(sound[0], sound[0].text[:-1] + "s."), block=sound[-1].block)
    split_of = {sentence.block: sentence.split for sentence in assign_splits([*sound, twin])}
    assert split_of[sound[0].block] == split_of[sound[-1].block]


def test_near_duplicates_differ_in_a_name_or_a_figure() -> None:
    texts = ["The union of miners met on Monday.", "The union of miners met on Sunday.", "Rain fell in Oslo."]
    assert [(pair.first, pair.second) for pair in near_duplicates(texts)] == [(0, 1)]


def test_a_source_is_imported_with_its_quotes_and_splits(tmp_path: Path, sound: list[Sentence]) -> None:
    rows = [reworded(sentence, f'"{sentence.text}') for sentence in sound]
    fields = ("id", "stance", "sentiment", "topic", "origin", "block", "text")
    lines = ["\t".join(fields), *("\t".join(getattr(row, field) for field in fields) for row in rows)]
    (tmp_path / "source.tsv").write_text("\n".join(lines) + "\n")
    imported = import_corpus([tmp_path / "source.tsv"], tmp_path / "corpus.jsonl")
    assert [row.text for row in imported] == [row.text for row in rows]
    assert {row.split for row in imported} == set(SPLITS)
    assert {head: {row.label(head) for row in imported} for head in HEADS} == {k: set(v) for k, v in HEADS.items()}


def test_a_source_without_a_field_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source.tsv").write_text("id\ttext\n")
    with pytest.raises(CorpusError, match="lacks block, origin, sentiment"):
        import_corpus([tmp_path / "source.tsv"], tmp_path / "corpus.jsonl")


def test_the_prefix_filter_loses_no_near_duplicate() -> None:
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefgh", k=rng.randrange(3, 9))) for _ in range(30)]
    texts = [" ".join(rng.choices(words, k=rng.randrange(1, 9))) for _ in range(150)]
    sets = [
        {f" {word} "[start : start + 5] for word in text.split() for start in range(max(1, len(word) - 2))} for text in texts
    ]
    for threshold in (0.2, 0.5, 0.9):
        expected = {
            (first, second)
            for second in range(len(texts))
            for first in range(second)
            if len(sets[first] & sets[second]) / len(sets[first] | sets[second]) >= threshold
        }
        assert {(pair.first, pair.second) for pair in near_duplicates(texts, threshold)} == expected
        groups = rng.choices(("train", "train", "validation", "test"), k=len(texts))
        across = [(pair.first, pair.second) for pair in near_duplicates(texts, threshold, groups)]
        assert sorted(across) == sorted((first, second) for first, second in expected if groups[first] != groups[second])


def test_sentences_that_only_train_leave_the_other_splits_as_they_were(sound: list[Sentence]) -> None:
    twins = [
        replace(reworded(row, row.text[:-1] + "s."), block=f"hard-{row.block}", origin=TRAIN_ONLY[0]) for row in sound[::24]
    ]
    together = assign_splits([*sound, *twins])
    assert together[: len(sound)] == sound
    assert {row.split for row in together[len(sound) :]} == {"train"}

"""What can be read, and what is said of what can't."""

import csv
import gzip
import io
import json
import os
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from newsstance.chunks import chunks_of
from newsstance.columns import Columns, find_columns
from newsstance.errors import ColumnError
from newsstance.language import foreign_language
from newsstance.readers import Reading, read_records
from newsstance.records import Fault, Reason, Record
from newsstance.rejects import article_text
from newsstance.sources import Form, Meter, find_sources

PAGE = """<html><head><title>News</title></head><body><nav>Home | Sport | Subscribe</nav><article><h1>Port reopens</h1>
<p>The harbour opened again on Monday after the storm, and captains hope for calm weeks.</p>
<p>Officials fear that the next flood will be worse, because the dyke was never mended.</p></article></body></html>"""
SMALL = Reading(max_chars=200)


def read(*places: object, reading: Reading = SMALL, stdin: Form = Form.TEXT, skip: tuple[Path, ...] = ()) -> list[Record]:
    return list(read_records(find_sources(map(str, places), skip, stdin), reading, Meter()))


def texts(*places: object, reading: Reading = SMALL) -> dict[str, str | Reason]:
    found = {
        record.id: article_text(record, reading.max_chars, any_language=False) for record in read(*places, reading=reading)
    }
    return {name: text.reason if isinstance(text, Fault) else text for name, text in found.items()}


def write_csv(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(rows)
    return path


def write_parquet(path: Path, **columns: object) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def write_jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """Give the same two articles in each form of table."""
    rows = [("a", "It hopes."), ("b", 'It fears,\n"again".')]
    return {
        "csv": write_csv(tmp_path / "t.csv", ("uid", "date", "body"), *((name, 1, text) for name, text in rows)),
        "tsv": write_csv(tmp_path / "t.tsv", ("uid", "date", "body"), *((name, 1, text) for name, text in rows)),
        "jsonl": write_jsonl(tmp_path / "t.jsonl", *({"uid": name, "date": 1, "body": text} for name, text in rows)),
        "parquet": write_parquet(
            tmp_path / "t.parquet", uid=[name for name, _ in rows], date=[1, 1], body=[text for _, text in rows]
        ),
    }


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_every_form_of_table_gives_the_same_articles_without_naming_its_columns(form: str, tables: dict[str, Path]) -> None:
    assert texts(tables[form]) == {"a": "It hopes.", "b": 'It fears,\n"again".'}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_columns_can_be_named(form: str, tables: dict[str, Path]) -> None:
    assert texts(tables[form], reading=Reading("uid", "body"))["It hopes."] == "a"


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_gzipped_files_of_text_read_as_what_they_hold(form: str, tables: dict[str, Path]) -> None:
    packed = tables[form].with_name(tables[form].name + ".gz")
    packed.write_bytes(gzip.compress(tables[form].read_bytes()))
    assert texts(packed) == texts(tables[form])


def test_a_page_gives_its_article_without_what_stands_around_it(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "nothing.html").write_text("<html><body></body></html>")
    (tmp_path / "page.htm.gz").write_bytes(gzip.compress(PAGE.encode()))
    found = read(tmp_path, reading=Reading())
    page = article_text(found[1], 1000, any_language=False)
    assert isinstance(page, str)
    assert "harbour opened" in page
    assert "Subscribe" not in page
    assert page == article_text(found[2], 1000, any_language=False)
    nothing = article_text(found[0], 1000, any_language=False)
    assert isinstance(nothing, Fault)
    assert nothing.reason is Reason.EMPTY


def test_a_folder_is_read_in_order_of_names_without_what_is_written_there(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a.txt", "c.jsonl", "notes.md", "out.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "It hopes."}')
    found = read(tmp_path, skip=(tmp_path / "a" / ".." / "out.jsonl",))
    assert [record.place.removeprefix(f"{tmp_path}/") for record in found] == ["a/z.txt", "a.txt", "b.txt", "c.jsonl:1"]


def test_a_folder_is_read_through_links_once_round(tmp_path: Path) -> None:
    for name in ("elsewhere/deep/a.txt", "folder/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("It hopes.")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "deep" / "back").symlink_to(tmp_path / "folder")
    (tmp_path / "folder" / "self").symlink_to("self")
    (tmp_path / "folder" / "gone.txt").symlink_to("nowhere")
    (tmp_path / "elsewhere" / "deep" / "out.jsonl").write_text("")
    found = read(tmp_path / "folder", skip=(tmp_path / "elsewhere" / "deep" / "out.jsonl",))
    assert [record.place.removeprefix(f"{tmp_path}/folder/") for record in found] == ["b.txt", "gone.txt", "link/deep/a.txt"]
    assert isinstance(found[1].content, Fault)


def test_a_pipe_in_a_folder_is_rejected_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    os.mkfifo(tmp_path / "pipe")
    (found,) = find_sources([str(tmp_path)])
    assert isinstance(found, Record)
    assert found.content == Fault(Reason.UNREADABLE, "a pipe or a device")


@pytest.mark.parametrize(
    ("content", "form", "ids"),
    [
        (b"It hopes.\n", Form.TEXT, ["-"]),
        (b'\n{ "text": "It hopes."}\n{"id": 3, "text": "It fears."}', Form.TEXT, ["-:1", "3"]),
        (b"id,text\n7,It hopes.\n", Form.CSV, ["7"]),
    ],
)
def test_standard_input_is_an_article_json_lines_or_what_it_is_said_to_be(
    content: bytes, form: Form, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    found = [record.id for record in read("-", stdin=form)]
    assert [name.replace("-:2", "-:1") for name in found] == ids


LONG = "It hopes. " * 30
GERMAN = (
    "Der Wirtschaftsminister erwartet im kommenden Jahr keine Erholung der Industrie. Die Aufträge seien so schwach wie seit "
    "langem nicht mehr, sagte er am Montag."
)
FAULTS: list[tuple[str, bytes, list[str | Reason]]] = [
    ("empty.txt", b" \n", [Reason.EMPTY]),
    ("binary.txt", b"\x89PNG\0\0", [Reason.NOT_TEXT]),
    ("digits.txt", b"12 345 - 6", [Reason.NOT_TEXT]),
    ("latin.txt", "caf\u00e9".encode("latin-1"), [Reason.ENCODING]),
    ("wide.txt", "It hopes.".encode("utf-16"), [Reason.ENCODING]),
    ("long.txt", LONG.encode(), [Reason.SIZE]),
    ("huge.txt", LONG.encode() * 1000, [Reason.SIZE]),
    ("german.txt", GERMAN.encode(), [Reason.LANGUAGE]),
    ("broken.txt.gz", gzip.compress(b"It hopes." * 10)[:-12], [Reason.UNREADABLE]),
    ("notpacked.txt.gz", b"It hopes.", [Reason.UNREADABLE]),
    ("lines.jsonl", b'{oops}\n{"text": "It hopes."}\n[]\n', [Reason.MALFORMED, "It hopes.", Reason.MALFORMED]),
    ("number.jsonl", b'{"text": "It hopes."}\n{"text": 3}\n{"a": 1}\n', ["It hopes.", Reason.NOT_TEXT, Reason.EMPTY]),
    ("null.jsonl", b'{"body": null}\n{"body": "It hopes."}\n', [Reason.EMPTY, "It hopes."]),
    ("blank.jsonl", b'{"content": " "}\n{"body": "It hopes."}\n', [Reason.EMPTY, "It hopes."]),
    ("kind.jsonl", b'{"text": null, "content": "page"}\n{"text": "It hopes."}\n', [Reason.EMPTY, "It hopes."]),
    ("latin.jsonl", b'{"text": "caf\xe9"}\n{"text": "It hopes."}\n', [Reason.ENCODING, "It hopes."]),
    ("longline.jsonl", b'{"text": "' + b"x" * 9000 + b'"}\n{"text": "It hopes."}\n', [Reason.SIZE, "It hopes."]),
    ("latin.csv", b"text,n\ncaf\xe9,1\nIt hopes.,2\n", [Reason.ENCODING, "It hopes."]),
    ("fields.csv", b"text,n\nIt hopes, or not.,1\nIt hopes.,2\n", [Reason.MALFORMED, "It hopes."]),
    ("quote.csv", b'text,n\n"open,1\n' + b"x" * 2000 + b"\nIt hopes.,2\n", [Reason.SIZE, "It hopes."]),
    ("longline.csv", b"text,n\n" + b"x" * 9000 + b",1\nIt hopes.,2\n", [Reason.SIZE, "It hopes."]),
    ("stray.csv", b'text,n\n"It hopes.,1\n"It fears.",2\nIt doubts.,3\n', [Reason.MALFORMED, "It doubts."]),
    ("last.csv", b'text,n\nIt hopes.,1\n"It fears.,2\nIt doubts.,3\n', ["It hopes.", Reason.MALFORMED]),
    ("inner.csv", b'text,n\n"It ""hopes"".",1\nIt "fears", 5" high.,2\n', ['It "hopes".', Reason.MALFORMED]),
    ("high.csv", b'n,text\n1,The 5" pipe "hopes".\n', ['The 5" pipe "hopes".']),
    ("blank.csv", b"\xef\xbb\xbf\r\n \r\ntext,n\r\nIt hopes.,1\r\n", ["It hopes."]),
    ("heading.csv", b'"te\nxt",text\n1,It hopes.\n', ["It hopes."]),
    ("mac.csv", b"text,n\rIt hopes.,1\rIt fears.,2\r", [Reason.MALFORMED]),
    ("mixed.csv", b"text,n\nIt\rhopes.,1\nIt fears.,2\n", [Reason.MALFORMED, "It fears."]),
    ("one.tsv", b"text\nIt hopes, it fears; it doubts.\n", ["It hopes, it fears; it doubts."]),
    ("commas.tsv", b"text,n\nIt hopes.,1\n", ["It hopes."]),
    ("wide.csv", "text,n\nIt hopes.,1\n".encode("utf-16"), [Reason.MALFORMED]),
    ("columns.csv", b"a,b\nIt hopes.,1\n", [Reason.MALFORMED]),
    ("damaged.parquet", b"PAR1 and nothing more", [Reason.UNREADABLE]),
]


@pytest.mark.parametrize(("name", "content", "expected"), FAULTS, ids=[name for name, _, _ in FAULTS])
def test_what_is_wrong_is_told_by_its_reason_and_the_rest_is_read(
    name: str, content: bytes, expected: list[str | Reason], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert list(texts(tmp_path / name).values()) == expected


@pytest.mark.parametrize("name", ["one.tsv.gz", "ONE.TSV"])
def test_a_table_of_one_column_whose_name_tells_of_tabs_is_not_split_at_commas(name: str, tmp_path: Path) -> None:
    content = b"text\nIt hopes, it fears.\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert list(texts(tmp_path / name).values()) == ["It hopes, it fears."]


def test_a_quotation_mark_left_open_tells_how_much_it_costs(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,text\n1,"He said so.\n2,Another article.\n3,A third one.\n')
    (record,) = read(tmp_path / "t.csv")
    assert record.place == f"{tmp_path}/t.csv:2"
    assert record.content == Fault(Reason.MALFORMED, "a quotation mark is left open; all up to line 4 is lost")


@pytest.mark.parametrize(
    "kind",
    [pyarrow.timestamp("ms"), pyarrow.timestamp("us", "UTC"), pyarrow.timestamp("ms", "No/Where"), pyarrow.duration("ms")],
)
def test_a_value_in_parquet_that_python_cannot_hold_costs_no_other_row(kind: pyarrow.DataType, tmp_path: Path) -> None:
    far = pyarrow.array([0, 1 << 62]).cast(kind)
    path = write_parquet(tmp_path / "t.parquet", id=far, text=["It hopes.", "It fears."])
    assert list(texts(path).values()) == ["It hopes.", "It fears."]
    assert list(texts(path))[1] == f"{path}:2"
    assert list(texts(path, reading=Reading("id")).values()) == [Reason.NOT_TEXT] * 2


def test_a_missing_value_in_parquet_costs_its_row(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "t.parquet", id=[1, None, 3], text=["It hopes.", None, ""])
    assert texts(path) == {"1": "It hopes.", f"{path}:2": Reason.EMPTY, "3": Reason.EMPTY}


@pytest.mark.parametrize("dictionary", [False, True])
def test_a_string_in_parquet_that_is_not_utf8_costs_its_row(dictionary: bool, tmp_path: Path) -> None:
    strings = pyarrow.array([b"It hopes.", b"caf\xe9 fears", None, b"It doubts."]).view(pyarrow.string())
    ids = pyarrow.array([b"a", b"b", b"c", b"d\xff"]).view(pyarrow.string())
    path = write_parquet(tmp_path / "t.parquet", id=ids, text=strings.dictionary_encode() if dictionary else strings)
    found = {"a": "It hopes.", "b": Reason.ENCODING, "c": Reason.EMPTY, f"{path}:4": "It doubts."}
    assert texts(path) == found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["id", "text"], Columns("text", "id")),
        (["Text ", "URL"], Columns("Text ", "URL")),
        (["content", "body", "text"], Columns("text", None)),
        (["doc_id", "words"], Columns("words", "doc_id")),
        (["doc_id", "uid", "story", "date"], Columns("story", None)),
    ],
)
def test_columns_are_found_where_obvious(names: list[str], expected: Columns) -> None:
    assert find_columns(names) == expected


@pytest.mark.parametrize("names", [["a", "b"], ["content", "body"], []])
def test_columns_that_are_not_obvious_are_asked_for(names: list[str]) -> None:
    with pytest.raises(ColumnError, match="--text-column"):
        find_columns(names)
    with pytest.raises(ColumnError, match="no column 'x'"):
        find_columns(names, "x")


@pytest.mark.parametrize(
    "text",
    [
        "Oui.",
        "Der Minister.",
        "The minister hopes that the harbour will open again before the winter storms come in from the west.",
        "Xi Jinping, Li Qiang, Wang Yi, Zhao Leji, Cai Qi and Li Xi attended. Viktor Orbán and Aleksandar Vučić did not.",
        '"Je suis Charlie," read the banner. The crowd sang La Marseillaise, "Allons enfants de la Patrie", and went home.',
    ],
)
def test_what_is_english_or_too_short_to_tell_passes(text: str) -> None:
    assert foreign_language(text) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("de", GERMAN),
        ("fr", "Le ministre a déclaré lundi que la situation restait fragile. Les syndicats craignent une vague de départs."),
        ("es", "El gobierno confía en que la economía vuelva a crecer en primavera. Los sindicatos temen nuevos despidos."),
        ("ru", "Министр заявил, что экономика вырастет в следующем году, но профсоюзы опасаются увольнений."),
        ("ja", "大臣は月曜日、来年には経済が回復するとの見通しを示した。"),
    ],
)
def test_what_surely_is_not_english_is_told_by_its_language(code: str, text: str) -> None:
    assert foreign_language(text) == code


def test_chunks_end_by_count_or_by_weight_and_their_hash_tells_every_record_apart() -> None:
    short = [Record(str(number), "", "x") for number in range(150)]
    assert [(chunk.first, len(chunk.records)) for chunk in chunks_of(short)] == [(0, 64), (64, 64), (128, 22)]
    assert [len(chunk.records) for chunk in chunks_of([Record("a", "", "x" * 600_000)] * 3)] == [2, 1]
    variants = [Record("a", "", "bc"), Record("ab", "", "c"), Record("a", "", b"bc"), Record("a", "", b"bc", html=True)]
    digests = {next(chunks_of([record])).digest for record in [*variants, Record("a", "", Fault(Reason.EMPTY, "bc"))]}
    assert len(digests) == 5

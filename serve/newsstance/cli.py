"""The command line: ``newsstance score INPUT...``."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from newsstance import __version__
from newsstance.articles import Article, read_articles
from newsstance.errors import ArticleError, ConfidenceError, InputError, NewsstanceError
from newsstance.predictor import Predictor, checked_confidence
from newsstance.readers import MAX_CHARS, Reading
from newsstance.rows import Level
from newsstance.scores import ArticleScore
from newsstance.sources import Form

_EXAMPLES = """
\b
Examples:
  newsstance score article.txt                     one article, as a table
  newsstance score articles/ > scores.jsonl        a line of JSON an article
  cat article.txt | newsstance score -             from standard input
  newsstance score archive/ -o scores.parquet      a batch, which goes on where it was stopped
  newsstance score news.csv -o sentences.csv --level sentence --text-column story
"""


def _probability(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    try:
        return None if value is None else checked_confidence(value)
    except ConfidenceError as error:
        raise click.BadParameter(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLES)
@click.version_option(__version__, prog_name="newsstance")
def cli() -> None:
    """Tell how the news holds itself towards what is coming: optimistic, cautious, alarmed, or none."""


@cli.command(epilog=_EXAMPLES)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--model", type=click.Path(path_type=Path), help="A model's folder; by default the champion in models/.")
@click.option(
    "--format", "form", type=click.Choice(["auto", "json", "table"]), default="auto", show_default=True,
    help="Without -o: JSON lines, or a table to read; auto gives a table on a terminal.",
)  # fmt: skip
@click.option(
    "--min-confidence", type=float, metavar="P", callback=_probability,
    help="Call a stance less likely than P 'unsure'; by default the model's own operating point.",
)  # fmt: skip
@click.option(
    "--sure", type=float, metavar="P", callback=_probability,
    help="With a cascade: its fast model answers where it is surer than P; by default as it was tuned.",
)  # fmt: skip
@click.option("--text-column", metavar="NAME", help="The column or field of the text, where its name doesn't tell.")
@click.option("--id-column", metavar="NAME", help="The column or field of the ids.")
@click.option(
    "--max-chars", type=click.IntRange(1, 100_000_000), default=MAX_CHARS, show_default=True, help="The longest article."
)
@click.option(
    "--stdin-format", type=click.Choice(["text", "html", "jsonl", "csv"]), default="text", show_default=True,
    help="What comes on standard input; JSON lines are recognised.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a batch to this .jsonl, .csv or .parquet.")
@click.option(
    "--level", type=click.Choice([*map(str, Level)]), default="article", show_default=True, help="With -o: what a row is."
)
@click.option("--any-language", is_flag=True, help="With -o: score what isn't English too.")
@click.option("--restart", is_flag=True, help="With -o: start anew, whatever is there.")
def score(
    inputs: Sequence[str], model: Path | None, form: str, text_column: str | None, id_column: str | None, max_chars: int,
    stdin_format: str, output: Path | None, level: str, any_language: bool, restart: bool, min_confidence: float | None,
    sure: float | None,
) -> int:  # fmt: skip
    """Score articles: .txt, .html, .csv, .jsonl (each also .gz), .parquet, folders of them, or - for standard input.

    Without -o the scores go to standard output; what can't be read is named on standard error, the others are scored, and the
    exit status is 1.

    With -o it scores a batch of any size: stopped at any moment, the same command goes on. What can't be scored goes to
    OUTPUT.rejects.jsonl with the reason. Exit status: 0 if all is scored; 3 if all is done and something was rejected; 1 if it
    couldn't go on; 2 for misuse.
    """
    reading = Reading(text_column, id_column, max_chars)
    if output is None:
        if level != Level.ARTICLE or any_language or restart:
            raise click.UsageError("--level, --any-language and --restart go with -o")
        return _score_to_stdout(_load(model, min_confidence, sure), read_articles(inputs, reading, Form(stdin_format)), form)
    if form != "auto":
        raise click.UsageError("--format goes without -o; with it, the suffix of the file tells the format")
    from newsstance.batch import Batch  # here, since a single article needs nothing of it
    from newsstance.batch_report import report
    from newsstance.score_batch import score_batch

    batch = Batch(tuple(inputs), output, Level(level), reading, Form(stdin_format), any_language)
    outcome = score_batch(_load(model, min_confidence, sure), batch, restart)
    click.echo(report(batch.outputs, outcome), err=True)
    return 3 if outcome.rejected else 0


def _load(model: Path | None, min_confidence: float | None, sure: float | None) -> Predictor:
    predictor = Predictor.load(model, min_confidence, sure)
    if sure is not None and predictor.sure is None:
        raise InputError(f"--sure goes with a cascade, which the model {predictor.bundle.name!r} isn't")
    return predictor


def _score_to_stdout(predictor: Predictor, articles: Iterator[Article | ArticleError], form: str) -> int:
    refused: list[ArticleError] = []
    as_table = form == "table" or (form == "auto" and sys.stdout.isatty())
    show = _table_printer() if as_table else _print_json
    for article, scored in _scored(predictor, articles, refused):
        show(article.id, scored)
    return 1 if refused else 0


def _scored(
    predictor: Predictor, articles: Iterator[Article | ArticleError], refused: list[ArticleError]
) -> Iterator[tuple[Article, ArticleScore]]:
    """Score what can be read; say at once what can't, and add it to ``refused``."""
    waiting: list[Article] = []

    def texts() -> Iterator[str]:
        for article in articles:
            if isinstance(article, ArticleError):
                click.echo(f"newsstance: {article}", err=True)
                refused.append(article)
            else:
                waiting.append(article)
                yield article.text

    for scored in predictor.score_many(texts()):
        yield waiting.pop(0), scored


def _print_json(name: str, score: ArticleScore) -> None:
    click.echo(json.dumps({"id": name, **score.to_dict()}, ensure_ascii=False))


def _table_printer() -> Callable[[str, ArticleScore], None]:
    from rich.console import Console  # here and below, since rich costs JSON output time and gives it nothing

    from newsstance.table import print_score

    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=120)
    return lambda name, score: print_score(console, name, score)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with ``argv`` and give its exit status: 0, 1 or 3 if not all was scored, 2 for misuse."""
    try:
        return int(cli.main(args=argv, prog_name="newsstance", standalone_mode=False) or 0)
    except NewsstanceError as error:
        click.echo(f"newsstance: {error}", err=True)
        return 2 if isinstance(error, InputError) else 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("newsstance: interrupted; a batch goes on when the same command is run again", err=True)
        return 130
    except OSError as error:  # such as a full disk under standard output
        click.echo(f"newsstance: can't go on ({error.strerror})", err=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())

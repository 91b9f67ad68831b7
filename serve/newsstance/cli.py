"""The command line: ``newsstance score PATH...``."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from newsstance import __version__
from newsstance.articles import Article, read_articles
from newsstance.errors import ArticleError, NewsstanceError
from newsstance.predictor import Predictor
from newsstance.scores import ArticleScore

_EXAMPLES = """
\b
Examples:
  newsstance score article.txt               one article
  newsstance score articles/ more.jsonl      a folder of .txt, and JSON lines with a 'text' field
  cat article.txt | newsstance score -       from standard input
  newsstance score articles/ > scores.jsonl  a line of JSON an article
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXAMPLES)
@click.version_option(__version__, prog_name="newsstance")
def cli() -> None:
    """Tell how the news holds itself towards what is coming: optimistic, cautious, alarmed, or none."""


@cli.command(epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--model", type=click.Path(path_type=Path), help="A model's folder; by default the champion in models/.")
@click.option(
    "--format", "form", type=click.Choice(["auto", "json", "table"]), default="auto", show_default=True,
    help="JSON lines, or a table to read; auto gives a table on a terminal.",
)  # fmt: skip
@click.option(
    "--min-confidence", type=float, metavar="P",
    help="Call a stance less likely than P 'unsure'; by default the model's own operating point.",
)  # fmt: skip
def score(paths: Sequence[str], model: Path | None, form: str, min_confidence: float | None) -> int:
    """Score articles: text files, folders of .txt, .jsonl files with a 'text' field, or - for standard input.

    What can't be read is named on standard error, the others are scored, and the exit status is 1.
    """
    predictor = Predictor.load(model, min_confidence)
    refused: list[ArticleError] = []
    as_table = form == "table" or (form == "auto" and sys.stdout.isatty())
    show = _table_printer() if as_table else _print_json
    for article, scored in _scored(predictor, paths, refused):
        show(article.id, scored)
    return 1 if refused else 0


def _scored(predictor: Predictor, paths: Sequence[str], refused: list[ArticleError]) -> Iterator[tuple[Article, ArticleScore]]:
    """Score what can be read; say at once what can't, and add it to ``refused``."""
    waiting: list[Article] = []

    def texts() -> Iterator[str]:
        for article in read_articles(paths):
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
    """Run the command line with ``argv`` and give its exit status: 0, 1 if something wasn't scored, 2 for misuse."""
    try:
        return int(cli.main(args=argv, prog_name="newsstance", standalone_mode=False) or 0)
    except NewsstanceError as error:
        click.echo(f"newsstance: {error}", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("newsstance: interrupted", err=True)
        return 130
    except OSError as error:  # such as a full disk under standard output
        click.echo(f"newsstance: can't go on ({error.strerror})", err=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())

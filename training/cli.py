"""The command line of training: ``python -m training COMMAND``."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from newsstance import NewsstanceError, Predictor
from training.missing_package import what_to_install
from training.options import corpus_option, models_option, store_option
from training.run_commands import RUN_COMMANDS
from training.train_commands import TRAIN_COMMANDS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Check the corpus, and train, evaluate and export newsstance's models."""


@cli.command("check-data")
@corpus_option
def check_data(corpus: Path) -> int:
    """Check the corpus: schema, labels, duplicates, and leaks between its splits."""
    from training.check_data import breaches
    from training.croissant import outdated
    from training.lessons import leaks
    from training.material import read_material

    material = read_material(corpus)
    found = breaches(material.sentences, material.votes) + leaks(corpus, material.sentences) + outdated(corpus)
    for line in found:
        click.echo(f"{corpus}: {line}", err=True)
    if found:
        click.echo(f"{corpus}: {len(found)} breaches in {len(material.sentences)} sentences", err=True)
        return 1
    click.echo(f"{corpus}: {len(material.sentences)} sentences, sound (sha256 {material.sha256[:12]})")
    return 0


@cli.command()
@corpus_option
def croissant(corpus: Path) -> int:
    """Describe the corpus for machines, in a croissant.json beside it."""
    from training.croissant import write_croissant

    click.echo(write_croissant(corpus))
    return 0


@cli.command("import-corpus")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SOURCE...")
@click.option("--votes", type=click.Path(path_type=Path), help="The annotators' votes, which decide the labels.")
@corpus_option
def import_corpus(sources: Sequence[Path], votes: Path | None, corpus: Path) -> int:
    """Make the corpus of each SOURCE, tab-separated labelled sentences, and split it by block."""
    from training.import_corpus import import_corpus as bring

    click.echo(f"{corpus}: {len(bring(sources, corpus, votes))} sentences")
    return 0


@cli.command()
@corpus_option
def agreement(corpus: Path) -> int:
    """Recompute how far the annotators agree, from all their votes."""
    from training.agreement_table import agreement_table
    from training.material import read_material
    from training.report import show

    material = read_material(corpus)
    show(agreement_table(material))
    return 0


@cli.command()
@click.option("--data", type=click.Path(path_type=Path), help="JSON lines with text, stance and sentiment.")
@click.option("--split", type=click.Choice(["validation", "test", "test-news"]), help="Or a split; test by default.")
@click.option("--model", "paths", type=click.Path(path_type=Path), multiple=True, help="A model; the champion by default.")
@click.option("--vader", is_flag=True, help="Add VADER at its usual thresholds.")
@corpus_option
def evaluate(data: Path | None, split: str | None, paths: Sequence[Path], vader: bool, corpus: Path) -> int:
    """Measure models on labelled sentences: F1s, precision and recall, and how far their probabilities can be believed."""
    from training.baselines import vader_labels
    from training.corpus import of_split
    from training.evaluate import Labelled, evaluated, read_labelled
    from training.material import read_material
    from training.metrics import all_metrics
    from training.report import calibration_table, metrics_table, show

    if data is not None and split is not None:
        raise click.UsageError("give --data or --split, not both")
    labelled = read_labelled(data) if data else Labelled.of(of_split(read_material(corpus).sentences, split or "test"))
    labels = {"VADER": all_metrics(labelled.gold, vader_labels(labelled.texts))} if vader else {}
    rows = {}
    for predictor in [Predictor.load(path) for path in paths] or [Predictor.load()]:
        bundle = predictor.bundle
        name = f"{bundle.path} ({bundle.settings.get('precision', bundle.kind)})"
        rows[name] = evaluated(predictor, labelled)
    told = f"{data or split or 'test'}: {len(labelled.texts)} sentences"
    show(metrics_table(told, {**rows, **labels}))
    show(calibration_table(f"{told}, calibration", rows))
    return 0


@cli.command()
@click.option("--model", type=click.Path(path_type=Path), help="A model; the champion by default.")
def behaviour(model: Path | None) -> int:
    """Put a model through the behavioural suite and print its pass rates."""
    from training.behaviour import pass_rates, read_cases

    for name, rate in pass_rates(Predictor.load(model), read_cases()).items():
        click.echo(f"{name.removeprefix('behaviour/'):40} {rate:.3f}")
    return 0


@cli.command()
@click.argument("name")
def encoder(name: str) -> int:
    """Fetch the pretrained encoder NAME once, checked by its hashes, and print its folder."""
    from training.pretrained import encoder_folder

    click.echo(encoder_folder(name))
    return 0


@cli.command()
def texts() -> int:
    """Fetch the published texts that the corpus has labels for, once, checked by their hashes, and print their paths."""
    from training.editorials import EDITORIALS
    from training.press import PRESS
    from training.published import fetch_text

    for published in (EDITORIALS, PRESS):
        click.echo(fetch_text(published))
    return 0


@cli.command()
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each takes its turn.")
@click.option("--articles", type=click.IntRange(min=1), help="Only so many articles of test-news, for a shorter run.")
@corpus_option
@models_option
@store_option
def bench(rounds: int, articles: int | None, corpus: Path, models: Path, store: Path) -> int:
    """Measure newsstance's models beside other ways of scoring, on the same real sentences, in one table."""
    from training.bench import measure
    from training.bench_report import FOLDER, bench_table, circumstances, keep
    from training.material import read_material
    from training.news import TEST_NEWS
    from training.report import show

    sentences = [sentence for sentence in read_material(corpus).sentences if sentence.split == TEST_NEWS]
    blocks = list(dict.fromkeys(sentence.block for sentence in sentences))[:articles]
    sentences = [sentence for sentence in sentences if sentence.block in blocks]
    rows = measure(models, sentences, rounds)
    told = circumstances(len(sentences), len(blocks), rounds)
    keep(rows, told, store)
    show(bench_table(rows))
    for name, value in told.items():
        click.echo(f"{name}: {value}")
    click.echo(f"kept in {FOLDER}/bench.md and {FOLDER}/bench.json")
    return 0


for command in (*TRAIN_COMMANDS, *RUN_COMMANDS):
    cli.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with ``argv`` and give its exit status: 1 for an error, 2 for misuse, 130 if interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(cli.main(args=argv, prog_name="python -m training", standalone_mode=False) or 0)
    except NewsstanceError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except ModuleNotFoundError as error:
        line = what_to_install(error)
        if line is None:
            raise
        click.echo(f"error: {line}", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted; the same command goes on from the last checkpoint, if there was one", err=True)
        return 130


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""Options that several commands share."""

from pathlib import Path

import click

from training.corpus import CORPUS_PATH
from training.store import STORE

corpus_option = click.option(
    "--corpus", type=click.Path(path_type=Path), default=CORPUS_PATH, show_default=True, help="The corpus file."
)
models_option = click.option(
    "--models", type=click.Path(path_type=Path), default=Path("models"), show_default=True, help="The models folder."
)

store_option = click.option(
    "--store", type=click.Path(path_type=Path), default=STORE, show_default=True, help="The folder of the MLflow store."
)

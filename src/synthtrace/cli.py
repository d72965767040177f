"""`synthtrace ...`: the command line, acting on the DVC repository of the current directory."""

from typing import Annotated

import typer

from synthtrace.command_line import one_sentence
from synthtrace.lineage import cli as lineage
from synthtrace.turing import cli as turing

app = typer.Typer(
    help="Synthetic augmentation of small medical image sets that a reviewer can believe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Stages side by side; 0: CPU cores // compute.threads.")]


@app.command()
def preset(name: Annotated[str, typer.Argument(help="A file of presets/, without .yaml.")]) -> None:
    """Lay presets/NAME.yaml over its study's params.yaml and show what changed."""
    from rich.console import Console
    from rich.table import Table

    from synthtrace.params import PARAMS_FILE
    from synthtrace.presets import apply_preset, preset_study

    with one_sentence():
        target = preset_study(name).folder / PARAMS_FILE
        changes = apply_preset(name)
    if not changes:
        typer.echo(f"{target} already holds preset {name}")
        return
    table = Table("parameter", "before", "after")
    for change in changes:
        table.add_row(*(str(value) for value in change))
    typer.echo(f"{target}:")
    Console().print(table)


@app.command()
def repro(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages; without any, all of dvc.yaml.")] = None,
    jobs: Jobs = 0,
) -> None:
    """Do the work of `dvc repro` with ready stages side by side."""
    from synthtrace.engine import reproduce

    with one_sentence():
        code = reproduce(targets or [], jobs)
    raise typer.Exit(code)


@app.command()
def results(name: Annotated[str, typer.Argument(help="A file of presets/, without .yaml.")], jobs: Jobs = 0) -> None:
    """Run a preset, keep its evidence under results/NAME/, and restore the committed state."""
    from synthtrace.results import produce

    with one_sentence():
        code = produce(name, jobs)
    raise typer.Exit(code)


lineage.register(app)
app.add_typer(turing.app, name="turing")

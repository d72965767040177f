"""`synthtrace turing ...`: the reader test, from drawing its images to its score."""

import json
from pathlib import Path
from typing import Annotated

import typer

from synthtrace.command_line import one_sentence

app = typer.Typer(help="A reader test: can people tell synthetic images from real ones?", no_args_is_help=True)

Out = Annotated[Path, typer.Argument(help="The folder of the test.")]
DEFAULT = Path("turing")


@app.command()
def build(out: Out = DEFAULT) -> None:
    """Draw the images of a test by params.turing, in one order for all readers."""
    from synthtrace.params import load_params
    from synthtrace.turing.build import build as write_test

    with one_sentence():
        key = write_test(Path(), out, load_params())
    real = int((key["source"] == "real").sum())
    typer.echo(f"{out}: {real} real and {len(key) - real} synthetic images; what they are stands in {out / 'key.csv'}")


@app.command()
def serve(
    out: Out = DEFAULT,
    host: Annotated[str, typer.Option(help="Where to listen; any but a local address asks readers for a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8000,
) -> None:
    """Show a test in the browser, to a few readers at a time."""
    from synthtrace.turing.serve import serve as run

    with one_sentence():
        run(out, host, port, typer.echo)


@app.command()
def score(
    out: Out = DEFAULT,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything there.")] = None,
) -> None:
    """Say how well readers told real from synthetic."""
    from synthtrace.turing.score import score as judge
    from synthtrace.turing.table import show

    with one_sentence():
        found = judge(out)
    if json_file:
        json_file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    show(found)

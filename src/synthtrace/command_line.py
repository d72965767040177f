"""How every command tells of a user's mistake."""

import contextlib
from collections.abc import Iterator

import typer

from synthtrace.errors import InputError


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """A user's mistake is one sentence on stderr and exit code 1."""
    try:
        yield
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None

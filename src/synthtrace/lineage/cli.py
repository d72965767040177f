"""The commands that walk and prove lineage, all acting on the DVC repository of the current directory."""

import json
from pathlib import Path
from typing import Annotated

import typer

from synthtrace.errors import InputError

StudyName = Annotated[str | None, typer.Option("--study", help="A study of studies/; without it, the top dvc.yaml.")]


def audit(
    checks: Annotated[list[str] | None, typer.Argument(metavar="[CHECK]...", help="Checks to run; without any, all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines instead of a table.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out what computes with images and models again.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Replay every pool image, not a drawn sample.")] = False,
    study: StudyName = None,
    results: Annotated[str | None, typer.Option("--results", help="Judge the evidence in results/NAME against itself.")] = None,
) -> None:
    """Check what a run promises. Exit code 0: all holds; 1: something does not; 2: the audit could not be run."""
    from synthtrace.lineage.audit import audit as run_checks
    from synthtrace.lineage.audit import chosen
    from synthtrace.lineage.find import find_study
    from synthtrace.lineage.table import Shown

    try:
        found = find_study(study, results, fast, everything)
        names = chosen(checks or [], found.evidence)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    outcomes = []
    shown = None if as_json else Shown()
    for outcome in run_checks(found, names):
        outcomes.append(outcome)
        if shown:
            shown.add(outcome)
    if shown:
        shown.end(outcomes)
    else:
        typer.echo(json.dumps([outcome.plain() for outcome in outcomes], indent=2, ensure_ascii=False))
    raise typer.Exit(int(any(outcome.status == "fail" for outcome in outcomes)))


def export(
    out: Annotated[Path, typer.Argument(help="A folder to make, or, for in-toto, a JSON file.")],
    form: Annotated[str, typer.Option("--format", help="ro-crate, croissant or in-toto.")],
    pools: Annotated[
        list[str] | None, typer.Option("--pool", metavar="KIND/foldK", help="A pool, repeatable; else all.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Of the images: an SPDX identifier or a URL; without it, none is declared.")
    ] = None,
    study: StudyName = None,
) -> None:
    """Write the kept synthetic images with their data card, and no id of a patient, for others to use and to check."""
    from synthtrace.lineage.export.write import export as write_export
    from synthtrace.lineage.find import find_study, of_main

    try:
        bundle = write_export(of_main(find_study(study), "export"), form, out, pools or [], licence)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{out}: {len(bundle.table)} images of {len(bundle.pools)} pools, licence: {bundle.card['licence']['name']}")


def trace(
    target: Annotated[
        str | None,
        typer.Argument(help="A number (metrics/summary.json:KEY), a file or folder of the pipeline, or an image's id."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="Everything as a graph for Graphviz.")] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Write report/lineage.html, a page to click through, of no one target.")
    ] = False,
    study: StudyName = None,
    results: Annotated[str | None, typer.Option("--results", help="Trace in the evidence of results/NAME.")] = None,
) -> None:
    """Walk a number, a file or a synthetic image back to raw scans."""
    from synthtrace.lineage.find import find_study

    try:
        if (target is None) != page or as_json + as_dot + page > 1:
            raise InputError("TARGET: expected a number, a file or an image, with --json, --dot or neither; or --page alone")
        found = find_study(study, results)
        if target is None:
            from synthtrace.lineage.find import of_main
            from synthtrace.lineage.page.page import write_page

            typer.echo(write_page(of_main(found, "trace --page")))
            return
        from synthtrace.lineage.trace.trace import trace as walk_back

        traced = walk_back(found, target)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(traced, indent=2, ensure_ascii=False))
    elif as_dot:
        from synthtrace.lineage.trace.dot import dot

        typer.echo(dot(traced), nl=False)
    else:
        from synthtrace.lineage.trace.tree import show

        show(traced)


def replay(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Ids (semantic-f0-00012) or paths of pool images.")],
    study: StudyName = None,
) -> None:
    """Draw pool images again from their ledger rows. Exit code 1 when one does not come out as it lies there."""
    from synthtrace.lineage.find import find_study
    from synthtrace.lineage.replay import replay as draw_again

    try:
        found = draw_again(find_study(study), images)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for one in found:
        typer.echo(f"{one.image_id}: {'' if one.reproduced else 'not reproduced: '}{one.sentence()}")
    raise typer.Exit(int(not all(one.reproduced for one in found)))


def withdraw(
    patient: Annotated[str, typer.Argument(help="As manifests write it (patient_id).")],
    applying: Annotated[bool, typer.Option("--apply", help="Take them out; without it, nothing is changed.")] = False,
) -> None:
    """List everything that descends from a patient, and take them out of the study."""
    from synthtrace.lineage.find import find_study, of_main
    from synthtrace.lineage.withdraw.withdraw import withdraw as take_out

    try:
        for line in take_out(of_main(find_study(), "withdraw"), patient, applying):
            typer.echo(line)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def history(
    target: Annotated[str, typer.Argument(help="A number: metrics/summary.json:KEY.")],
    as_json: Annotated[bool, typer.Option("--json", help="Full digests, and every change as [old, new].")] = False,
) -> None:
    """Show a number over Git commits and DVC experiments, and which of data, params, code and environment changed."""
    from synthtrace.lineage.history.history import history as over_time
    from synthtrace.lineage.history.table import show

    try:
        rows = over_time(Path.cwd(), target)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps([row.plain() for row in rows], indent=2, ensure_ascii=False))
    else:
        show(rows)


def register(app: typer.Typer) -> None:
    """Add the commands to `synthtrace`."""
    app.command()(audit)
    app.command()(export)
    app.command()(trace)
    app.command()(replay)
    app.command()(withdraw)
    app.command()(history)

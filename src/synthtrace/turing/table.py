"""A score for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from synthtrace.turing.pair_table import show_pairs

Plain = dict[str, Any]
MEASURES = ["accuracy", "sensitivity", "specificity"]
# paper 0, Supplementary Figure 2
MOST = 3


def _interval(bounds: list[float] | None) -> str:
    return "n/a" if bounds is None else f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def _over_readers(found: Plain) -> Table:
    table = Table(title=f"mean over {found['readers']} reader{'s' if found['readers'] != 1 else ''}", title_justify="left")
    for name in ("images", *MEASURES):
        table.add_column(name)
    rows = [("all", found["all"]), *found["classes"].items(), *found["kinds"].items()]
    for name, measures in rows:
        cells = [
            f"{one['mean']:.3f}\n[{_interval(one['ci95_readers'])}]\n({_interval(one['ci95_readers_and_images'])})"
            if one
            else ""
            for one in (measures.get(measure) for measure in MEASURES)
        ]
        table.add_row(name, *cells)
    return table


def _each_reader(readers: list[Plain], images: int) -> Table:
    table = Table("reader", "answered", *MEASURES, title="each reader, Wilson's 95 % interval", title_justify="left")
    for reader in readers:
        cells = []
        for measure in MEASURES:
            one = reader["all"].get(measure, {"value": None})
            cells.append("" if one["value"] is None else f"{one['value']:.3f} [{_interval(one['ci95'])}]")
        table.add_row(reader["name"], f"{reader['answered']} of {images}", *cells)
    return table


def show(found: Plain) -> None:
    """Print what `score` returned, with what each interval supports."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(width=120, highlight=False, markup=False)
    images = found["images"]["real"] + found["images"]["synthetic"]
    console.print(_each_reader(found["readers"], images))
    if "pairs" in found:
        show_pairs(found["pairs"], console)
    if found["over_readers"] is None:
        console.print("no reader has answered every image yet: nothing can be said over readers")
        return
    console.print(_over_readers(found["over_readers"]))
    console.print("sensitivity: real called real; specificity: synthetic called synthetic")
    console.print("[]: other readers, these very images (t interval, clipped to 0 and 1)")
    console.print("(): other readers and other images (bootstrap of both)")
    lazy = found["accuracy_of_one_answer"]
    console.print(f"one answer for every image: accuracy {lazy['real']:.3f} (real), {lazy['synthetic']:.3f} (synthetic)")
    if agreement := found["agreement"]:
        value = "undefined, all answers were one" if agreement["kappa"] is None else f"{agreement['kappa']:.3f}"
        console.print(f"{agreement['name'].capitalize()}'{'' if agreement['name'][-1] == 's' else 's'} kappa {value}")
    for source in ("real", "synthetic"):
        for one in [row for row in found["mistaken"] if row["source"] == source and row["wrong"]][:MOST]:
            what = f"{one['kind']} " if one["kind"] else ""
            text = f"{source}, often mistaken: image {one['number']}, {one['image_id']} ({what}{one['label_name']}), "
            console.print(text + f"by {one['wrong']} of {one['readers']}")

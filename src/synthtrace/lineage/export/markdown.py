"""The data card as a page for people."""

from collections.abc import Iterable
from typing import Any


def as_markdown(card: dict[str, Any]) -> str:
    """The card's facts as Markdown, in the order in which a stranger asks for them."""
    licence, source, images = card["licence"], card["source"], card["images"]
    named = f"[{licence['name']}]({licence['url']})" if licence["url"] else licence["name"]
    lines = [
        f"# {card['name']}",
        card["description"],
        "## Use",
        card["intended_use"],
        card["limits"],
        f"**Licence:** {named}. {licence['text']}",
        "## Source",
        f"Data set `{source['name']}` (`{source['kind']}`, {source['patients']} patients), classes "
        f"{', '.join(source['classes'])}. Made by {card['software']['name']} {card['software']['version']}; {_commit(card)}.",
        "## Images",
        f"{images['kept']} kept of {images['candidates']} candidates; {images['copies_dropped']} dropped as copies of training "
        f"images. Each is {images['side_in_pixels']} pixels high and wide, with {images['channels']} channel(s). `images.csv` "
        "has a row an image: file, SHA-256, class, generator, fold, seed.",
        "A pool, KIND/foldK, is what one generator drew: that of the kind, trained on the training patients of fold K of the "
        "study. Patients and images in training are those that it saw. Guided: drawn along a brightness map of a training "
        "image.",
        _table(
            [
                "pool",
                "patients in training",
                "images in training",
                "candidates",
                "copies",
                "kept",
                *source["classes"],
                "guided",
            ],
            (_row(name, pool) for name, pool in card["pools"].items()),
        ),
        "## Memorisation",
        "A candidate nearer to a training image than a threshold counts as a copy and is dropped. Distances run from 0 to 2: "
        "one minus the correlation of pixels, and the cosine distance of embeddings.",
        _table(
            ["pool", "candidates", "copies", "images in training", "of these copied", "pixel threshold", "embedding threshold"],
            ([name, *pool["memorisation"].values()] for name, pool in card["pools"].items()),
        ),
        "## Fidelity",
        *_fidelity(card["fidelity"]),
        "## Effect on a classifier",
        *_effects(card["classification"]),
        "## Generators",
        "Digests are SHA-256, of a checkpoint over the digests of its weight files. The images can be drawn again from the "
        "checkpoint and the seeds in `images.csv`; guided ones only where the real images are at hand.",
        _table(["pool", "checkpoint"], ([name, f"`{pool['checkpoint']['digest']}`"] for name, pool in card["pools"].items())),
        "## Parameters",
        _table(["parameter", "value"], ([f"`{key}`", f"`{value}`"] for key, value in card["parameters"].items())),
    ]
    return "\n\n".join(lines) + "\n"


def _commit(card: dict[str, Any]) -> str:
    if card["commit"]:
        return f"Git commit `{card['commit']}` of {card['date']} holds the record of this run (`dvc.lock`)"
    return f"the record of this run (`dvc.lock`) was in no Git commit when it was exported, the last being of {card['date']}"


def _row(name: str, pool: dict[str, Any]) -> list[Any]:
    return [
        name,
        pool["training_patients"],
        pool["training_images"],
        pool["candidates"],
        pool["memorisation"]["copies"],
        pool["kept"],
        *pool["kept_by_class"].values(),
        pool["conditioned_on_a_map_of_a_real_image"],
    ]


def _fidelity(found: dict[str, Any] | str) -> list[str]:
    """A row a pool, and one of the real training images of its fold."""
    if isinstance(found, str):
        return [f"{found.capitalize()}."]
    rows = [
        [name, images.replace("_", " "), *map(_distance, metrics.values())]
        for name, pool in found["pools"].items()
        for images, metrics in pool.items()
    ]
    metrics = next(iter(found["pools"].values()))["kept_images"]
    return [f"{found['measure']}. Extractor: `{found['extractor']}`.", _table(["pool", "images", *metrics], rows)]


def _distance(metric: dict[str, Any]) -> str:
    if metric["value"] is None:
        return "too few images"
    return f"{metric['value']:.4g}" + (f" ({metric['ci95'][0]:.4g} to {metric['ci95'][1]:.4g})" if metric["ci95"] else "")


def _effects(classification: dict[str, Any]) -> list[str]:
    """A sentence a kind; it belongs to all pools of the kind together."""
    return [f"**{kind}:** {found if isinstance(found, str) else _effect(found)}." for kind, found in classification.items()]


def _effect(found: dict[str, Any]) -> str:
    change = found["difference"]
    return (
        f"{found['real_images_alone']['mean']:.3f} with real images alone, {found['with_synthetic_images']['mean']:.3f} with "
        f"synthetic ones added ({found['mixing_rate']:g} for each real one); difference {change['difference']:+.3f} "
        f"(95% interval {change['ci95'][0]:+.3f} to {change['ci95'][1]:+.3f}). {found['measure']}; "
        f"{found['patients']} patients, {found['images']} images, {found['seeds']} seeds"
    )


def _table(names: list[str], rows: Iterable[list[Any]]) -> str:
    body = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in row)} |" for row in body)


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)

"""How near the images of a pool of pairs come to the training images, and how varied they are (paper 2, Tables 1 and 2).

As in the paper, the reference is the training images, and figures are those of several draws (the paper's: three). An
inpainted image shares its border with a training image, which flatters any distance to these: the share of its pixels that is
the source's stands beside it. What training images make of each other, half against half, is the reference for both figures;
the paper's own, the set against itself, is 0 by definition. A Frechet distance reads high by about 1 / images + 1 / reference:
compare rows of like numbers, which each row holds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthtrace.errors import InputError
from synthtrace.fidelity import frechet, similarity
from synthtrace.seeds import Seeds


@dataclass(frozen=True)
class Seen:
    """Images of a pool or of the training set, and what is known of them.

    `pixels` uint8 (N, C, S, S); `names` (N,) text, the patient of a training image and the source of an inpainted one, or the
    image's own id: images of one name are not compared for variety; `features` (N, D) by the name of their Frechet distance,
    `fid` for Inception's (`antialiased.look`) or `fd_` and the extractor's backbone.
    """

    pixels: np.ndarray
    names: np.ndarray
    features: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, chosen: np.ndarray) -> "Seen":
        """Those whose positions are chosen."""
        return Seen(self.pixels[chosen], self.names[chosen], {name: one[chosen] for name, one in self.features.items()})


def drawn(count: int, images: int, seeds: Seeds, names: tuple[str | int, ...], draw: int) -> np.ndarray:
    """Positions of `images` of `count`, none twice, by the stream of a draw; fewer of the same draw are the first of them.

    Raises:
        InputError: there are not so many.
    """
    if images > count:
        raise InputError(f"fidelity: expected {images} images of {'/'.join(map(str, names))} to draw, found {count}")
    return seeds.stream("fidelity", "draw", *names, draw).permutation(count)[:images]


def pool_row(
    pool: Seen,
    training: Seen,
    images: int,
    draws: int,
    pairs: int,
    seeds: Seeds,
    names: tuple[str | int, ...],
    sources: np.ndarray | None,
) -> dict[str, Any]:
    """`draws` draws of `images` from a pool against all training images; MS-SSIM within a draw, over `pairs` pairs at most.

    `names` are those of the draws' streams, such as kind and fold. `sources` uint8 (N, C, S, S): of an inpainted pool the image
    that each was painted into, else None.

    Returns `images`, `reference`, `available` (counts), `untouched` (mean share of pixels, None without sources), and of each
    metric `mean`, `deviation` and `values` (one a draw). The deviation over draws says what drawing makes of a figure, not how
    sure it is; it is None of one draw, and for distances of draws of the whole pool. MS-SSIM is None where there is no room or
    no pair.

    Raises:
        InputError: there are fewer images than are to be drawn, or fewer than two of either set.
    """
    _enough(images, len(training), names)
    chosen = [drawn(len(pool), images, seeds, names, draw) for draw in range(draws)]
    sets = [(pool.take(one), training) for one in chosen]
    untouched = None if sources is None else float(untouched_share(pool.pixels, sources).mean())
    head = {"images": images, "reference": len(training), "available": len(pool), "untouched": untouched}
    return head | _measured(sets, pairs, seeds, names, all_alike=images == len(pool))


def halves_row(training: Seen, draws: int, pairs: int, seeds: Seeds, names: tuple[str | int, ...]) -> dict[str, Any]:
    """`pool_row` of the training images themselves: a half, drawn `draws` times, against the other half.

    Raises:
        InputError: there are fewer than four.
    """
    half = len(training) // 2
    _enough(half, len(training) - half, names)
    orders = [drawn(len(training), len(training), seeds, names, draw) for draw in range(draws)]
    sets = [(training.take(order[:half]), training.take(order[half:])) for order in orders]
    head = {"images": half, "reference": len(training) - half, "available": len(training), "untouched": None}
    return head | _measured(sets, pairs, seeds, names, all_alike=False)


def untouched_share(images: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """(N,) the share of an image's pixels that are its source's in every channel; both uint8 (N, C, S, S)."""
    return (images == sources).all(axis=1).mean(axis=(1, 2))


def _enough(images: int, reference: int, names: tuple[str | int, ...]) -> None:
    if min(images, reference) < 2:
        raise InputError(
            f"fidelity: expected two or more images of {'/'.join(map(str, names))} and of its reference, found {images} and "
            f"{reference}"
        )


def _measured(
    sets: list[tuple[Seen, Seen]], pairs: int, seeds: Seeds, names: tuple[str | int, ...], all_alike: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in sets[0][0].features:
        values = [frechet.distance(own.features[metric], other.features[metric]) for own, other in sets]
        found[metric] = _row(values) | ({"deviation": None} if all_alike else {})
    alike = [_ms_ssim(own, pairs, seeds.stream("fidelity", "pairs", *names, draw)) for draw, (own, _) in enumerate(sets)]
    there = [value for value in alike if value is not None]
    found[similarity.MS_SSIM] = _row(there) if len(there) == len(sets) else None
    return found


def _ms_ssim(images: Seen, pairs: int, rng: np.random.Generator) -> float | None:
    if not similarity.scales(images.pixels.shape[-1]):
        return None
    couples = similarity.pairs(np.zeros(len(images), dtype=int), images.names, pairs, rng)
    return similarity.mean(images.pixels, couples, similarity.ms_ssim).value


def _row(values: list[float]) -> dict[str, Any]:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "deviation": deviation, "values": values}

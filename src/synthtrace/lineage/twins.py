"""Images on two sides of a fold with the same pixels, or nearly so; what a model of no fold learnt from is on a side too."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, read_image
from synthtrace.lineage.checkpoints import read_card, upstream_checkpoints
from synthtrace.lineage.findings import Finding, fail, further, note, warn
from synthtrace.lineage.roles import Sides, opposite
from synthtrace.lineage.run import Run
from synthtrace.preprocess.crops import fixed_crop
from synthtrace.quality.measure import grouping

# share of lightly altered images that the search for near-identical ones should know again
CAUGHT = 0.9


@dataclass(frozen=True)
class Images:
    """The study's images and those of the corpus: columns image_id, patient_id, unit (what is never compared within itself).

    `table` has columns pixel_hash (crops) and scan_pixel_hash (none for the corpus) too; `apart` (N, N) says which two stand on
    two sides: one learnt from and the other scored.
    """

    table: pd.DataFrame
    apart: np.ndarray
    corpora: list[tuple[Path, pd.DataFrame]]

    def shown(self, row: int) -> str:
        """An image with its patient."""
        return f"{self.table['image_id'][row]!r} of patient {self.table['patient_id'][row]!r}"


def twins(study: Run, folds: dict[int, Sides]) -> Iterator[Finding]:
    """Identical images; then, unless `study.fast`, nearly identical ones of two patients."""
    images = _images(study, folds)
    yield from _identical(images)
    if study.fast:
        yield note("images that are nearly, not exactly, the same were not looked for (--fast)")
    else:
        yield from _near(study, images)


def _images(study: Run, folds: dict[int, Sides]) -> Images:
    manifest = study.manifest.drop_duplicates("image_id")
    own = manifest.assign(unit=grouping(manifest, study.params.dataset.patient_ids).astype(str))
    corpora = [_corpus(study, name) for name in _corpus_folders(study, folds)]
    table = pd.concat([own, *(rows for _, rows in corpora)], ignore_index=True)
    ids = table["image_id"].astype(str).tolist()
    apart = opposite(folds, [*ids[: len(own)], *[""] * (len(ids) - len(own))])
    scored = np.array([any(one in side.test | side.val for side in folds.values()) for one in ids[: len(own)]], dtype=bool)
    apart[: len(own), len(own) :] = scored[:, None]
    apart[len(own) :, : len(own)] = scored[None, :]
    return Images(table, apart, corpora)


def _corpus_folders(study: Run, folds: dict[int, Sides]) -> list[str]:
    """Folders of images that checkpoints of no fold were trained on: deps of their stages that hold a manifest."""
    found: dict[str, None] = {}
    for checkpoint in upstream_checkpoints(study, folds):
        try:
            card = read_card(study.path(checkpoint.name))
        except InputError:
            continue  # reported where checkpoints are judged
        if card.get("fold") is None and card["image_ids"]:
            deps = study.lock[checkpoint.stage].deps
            found |= dict.fromkeys(dep for dep in deps if (study.path(dep) / "manifest.csv").is_file())
    return list(found)


def _corpus(study: Run, name: str) -> tuple[Path, pd.DataFrame]:
    folder = study.path(name)
    try:
        rows = pd.read_csv(folder / "manifest.csv", dtype="string")[["native_path", "patient_id"]]
    except (KeyError, ValueError) as error:
        raise InputError(f"{folder / 'manifest.csv'}: expected columns native_path and patient_id ({error})") from None
    settings = study.params.preprocess
    crops = (read_image(folder / path, settings.channels) for path in rows["native_path"])
    return folder, rows.assign(
        image_id=name + "/" + rows["native_path"],
        unit=name + "/" + rows["patient_id"],
        pixel_hash=[pixel_hash(fixed_crop(crop, settings.image_size)) for crop in crops],
        scan_pixel_hash=None,
    )


def _identical(images: Images) -> Iterator[Finding]:
    told = set()
    for column, what in (("pixel_hash", "crops"), ("scan_pixel_hash", "scans")):
        for rows in images.table[images.table[column].notna()].groupby(column).groups.values():
            for one, other in combinations(rows, 2):
                if images.apart[one, other] and (one, other) not in told:
                    told.add((one, other))
                    yield fail(
                        f"the {what} {images.shown(one)} and {images.shown(other)} hold the same pixels, and a model learns "
                        "from one and is scored on the other; expected both on one side of every fold"
                    )


def _near(study: Run, images: Images) -> Iterator[Finding]:
    """One finding a pair of patients, naming their nearest images."""
    from synthtrace.lineage.rescans import search

    found = search(_fixed(study, images), images.table["unit"].to_numpy(dtype=str), images.apart)
    if found is None:
        yield note("no two patients stand on two sides of a fold: there is nothing to compare")
        return
    units = images.table["unit"].to_numpy()
    both = np.sort(np.stack([units[found.pairs["one"]], units[found.pairs["other"]]]).astype(str), axis=0)
    for _, rows in found.pairs.groupby([*both], sort=False):
        first, count = rows.iloc[0], len(np.unique(np.sort(rows[["one", "other"]].to_numpy(), axis=1), axis=0))
        also = further(count - 1, "pair")
        yield fail(
            f"{images.shown(int(first['one']))} and {images.shown(int(first['other']))} are nearly the same image, distance "
            f"{first['distance']:.4f}{also}; a model learns from one and is scored on the other, and different patients are "
            f"expected to be more than {found.threshold:.4f} apart"
        )
    beyond = ""
    if not np.isnan(found.closest):
        closest = " and ".join(images.shown(row) for row in found.closest_pair)
        beyond = f"; the nearest two beyond it are {closest}, {found.closest:.4f}"
    yield note(
        f"images of two patients are nearly the same within a distance of {found.threshold:.4f} (median to the third nearest "
        f"patient: {found.typical:.4f}); {found.caught:.0%} of lightly altered images lie within it{beyond}"
    )
    if found.caught < CAUGHT:
        yield warn(
            f"only {found.caught:.0%} of lightly altered images would be found again, expected {CAUGHT:.0%}: these images are "
            "too alike, or too small, to show that no patient stands there twice"
        )


def _fixed(study: Run, images: Images) -> np.ndarray:
    """All images as classifiers see them, uint8 (N, C, S, S)."""
    settings = study.params.preprocess
    own = images.table["scan_pixel_hash"].notna()
    stacks = [load_stack([study.path("data/crops") / path for path in images.table.loc[own, "path"]], settings.channels)]
    for folder, rows in images.corpora:
        crops = (read_image(folder / path, settings.channels) for path in rows["native_path"])
        stack = np.stack([fixed_crop(crop, settings.image_size) for crop in crops])
        stacks.append(stack[:, None] if settings.channels == 1 else stack.transpose(0, 3, 1, 2))
    if len({stack.shape[1:] for stack in stacks}) > 1:
        raise InputError(
            f"data/crops: images of {stacks[0].shape[2:]} pixels; expected preprocess.image_size, {settings.image_size}"
        )
    return np.concatenate(stacks)

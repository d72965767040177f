"""`split.protocol: subsets`: disjoint training subsets, judged by the same test images (papers 3 and 4)."""

from fractions import Fraction
from math import ceil, floor

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.folds.marked import marked_units
from synthtrace.folds.units import labels_in, units_of, words
from synthtrace.params import Split
from synthtrace.seeds import Seeds


def disjoint_subsets(manifest: pd.DataFrame, split: Split, seeds: Seeds, patient_ids: str) -> pd.DataFrame:
    """Folds that share test and validation images and train on subsets without a common unit (paper 4, section 4.1).

    Test images are marked by a column of the manifest or drawn; of the other units a share validates, and of what is left each
    fold trains on a share of its own. Shares are of units (patients, or groups of images where there are no patient ids), class
    by class: each part holds the floor or the ceiling of its share of each class. Groups of several labels count as a class of
    their own.

    Args:
        manifest: contract columns of the crops' manifest, one row an image; `split.column` rides along.
        split: column and test, or test_share; val_share, subset_share; folds says how many subsets are dealt.
        seeds: the root of the shuffles, streams ("split", "subsets", part, labels). Another number of folds of the same share
            leaves every subset as it is.
        patient_ids: "manifest", or "none": see `units.units_of`.

    Returns:
        The folds table (tables.FOLDS): every image once a fold; test and val in all folds, train in one fold at most, unused in
        the others.

    Raises:
        InputError: as `units_of` and `marked_units`, or a class has too few units for the test or for a subset.
    """
    units = units_of(manifest, patient_ids)
    labels_of = labels_in(manifest, units)
    if split.column is None:
        (test,) = _dealt(labels_of, split.test_share, 1, seeds, "test")
    else:
        test = marked_units(manifest, units, split)
    others = {unit: labels for unit, labels in labels_of.items() if unit not in test}
    (validating,) = _dealt(others, split.val_share, 1, seeds, "val")
    left = {unit: labels for unit, labels in others.items() if unit not in validating}
    subsets = _dealt(left, split.subset_share, len(split.folds), seeds, "train")
    for (label, name), _ in manifest.groupby(["label", "label_name"]):
        bearing = {unit for unit, labels in labels_of.items() if label in labels}
        which = f"class {name!r} (label {label}) has {{}} {words(patient_ids)}"
        if not bearing & test:
            how = f"split.column {split.column!r}" if split.column else f"split.test_share {split.test_share}"
            raise InputError(f"{which.format(len(bearing))}, of which {how} puts none into the test")
        for fold, subset in enumerate(subsets):
            if not bearing & subset:
                raise InputError(
                    f"{which.format(len(bearing & left.keys()))} to train on, of which split.subset_share {split.subset_share} "
                    f"gives fold {fold} none; expected at least {ceil(1 / Fraction(str(split.subset_share)))}"
                )
    tables = []
    for fold, subset in enumerate(subsets):
        roles = {unit: "train" if unit in subset else "unused" for unit in left}
        roles |= dict.fromkeys(test, "test") | dict.fromkeys(validating, "val")
        tables.append(manifest[["image_id", "patient_id"]].assign(fold=fold, role=units.map(roles)))
    return pd.concat(tables, ignore_index=True)[["fold", "image_id", "patient_id", "role"]]


def _dealt(labels_of: dict[str, tuple[int, ...]], share: float, parts: int, seeds: Seeds, name: str) -> list[set[str]]:
    """Disjoint parts of units, each the floor or the ceiling of its share of every set of labels.

    The units of a set are shuffled and cut at the floor of (part x share x units + offset), in exact arithmetic, where 0.1 of
    30 is 3. Offsets are spread over the sets, so that what is rounded down in one is rounded up in another.
    """
    kinds = sorted(set(labels_of.values()))
    dealt: list[set[str]] = [set() for _ in range(parts)]
    for position, labels in enumerate(kinds):
        # sorted, so that the order of the manifest is no matter
        members = sorted(unit for unit, its_own in labels_of.items() if its_own == labels)
        order = seeds.stream("split", "subsets", name, *labels).permutation(len(members))
        offset, wanted = Fraction(2 * position + 1, 2 * len(kinds)), Fraction(str(share)) * len(members)
        for part in range(parts):
            cut = slice(floor(part * wanted + offset), floor((part + 1) * wanted + offset))
            dealt[part] |= {members[i] for i in order[cut]}
    return dealt

"""`split.protocol: kfold`: patient-level cross-validation, stratified by label (paper 0)."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from synthtrace.errors import InputError
from synthtrace.folds.units import labels_in, units_of, words
from synthtrace.seeds import Seeds


def kfold(manifest: pd.DataFrame, folds: int, seeds: Seeds, patient_ids: str = "manifest", repeats: int = 1) -> pd.DataFrame:
    """Patient-level folds, stratified by label (paper 0: 55 patients, 44 to train and 11 to test in each of 5 folds).

    Within a repeat every image is a test image of exactly one fold and a training image of the others; each repeat is dealt
    anew. Every fold tests the floor or the ceiling of (patients of a class / folds a repeat) of each class, and fold sizes in
    patients differ by one at most.

    Args:
        manifest: contract columns of a manifest, one row an image.
        folds: number of folds of all repeats together; repeat r holds those from r x folds / repeats on.
        seeds: the root of the seeded shuffle (stream "split"); the first repeat's deal does not depend on how many follow.
        patient_ids: "manifest", or "none" for a data set without patient ids (`units.units_of`). Groups of mixed labels are
            legal only there; they go through scikit-learn's StratifiedGroupKFold, which balances images of a class and promises
            nothing about groups.
        repeats: how often all images are dealt, an equal number of at least 2 folds each time.

    Returns:
        The folds table (tables.FOLDS): every image once a fold, roles train and test.

    Raises:
        InputError: an image has no patient, a patient has two labels, or a class has fewer patients (groups) than there are
            folds a repeat.
    """
    dealt = folds // repeats
    groups = units_of(manifest, patient_ids)
    labels_of = labels_in(manifest, groups)
    mixed = any(len(labels) > 1 for labels in labels_of.values())
    for (label, name), rows in groups.groupby([manifest["label"], manifest["label_name"]]):
        if rows.nunique() < dealt:
            raise InputError(
                f"class {name!r} (label {label}) has {rows.nunique()} {words(patient_ids)}, fewer than the {dealt} folds "
                f"{'of split.folds' if repeats == 1 else f'that split.folds has in each of split.repeats, {repeats}'}"
            )
    tables = []
    for repeat in range(repeats):
        # the first deal is named without its number: it is the one that a study without repeats has
        names: tuple[str | int, ...] = ("repeat", repeat) if repeat else ()
        if mixed:
            tested_in = _deal_mixed(manifest["label"], groups, dealt, seeds, names)
        else:
            tested_in = groups.map(_deal({group: labels[0] for group, labels in labels_of.items()}, dealt, seeds, names))
        tables += [
            manifest[["image_id", "patient_id"]].assign(
                fold=repeat * dealt + fold, role=np.where(tested_in == fold, "test", "train")
            )
            for fold in range(dealt)
        ]
    return pd.concat(tables, ignore_index=True)[["fold", "image_id", "patient_id", "role"]]


def _deal(label_of: dict[str, int], folds: int, seeds: Seeds, names: tuple[str | int, ...]) -> dict[str, int]:
    """Fold of each group: classes shuffled, laid end to end and dealt round the folds like cards.

    A run of consecutive cards gives each fold the floor or the ceiling of its share: so for every class, and for all of them.
    """
    deck: list[str] = []
    for label in sorted(set(label_of.values())):
        members = sorted(group for group, its_own in label_of.items() if its_own == label)
        deck += [members[i] for i in seeds.stream("split", label, *names).permutation(len(members))]
    return {group: position % folds for position, group in enumerate(deck)}


def _deal_mixed(labels: pd.Series, groups: pd.Series, folds: int, seeds: Seeds, names: tuple[str | int, ...]) -> pd.Series:
    """Fold of each image when groups hold several labels; rows are ordered by group first, so that file order is no matter."""
    order = np.lexsort((labels.to_numpy(), groups.to_numpy(dtype=str)))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seeds.integer("split", "mixed", *names) % 2**32)
    tested_in = np.empty(len(labels), dtype=int)
    for fold, (_, test) in enumerate(splitter.split(order, labels.to_numpy()[order], groups.to_numpy(dtype=str)[order])):
        tested_in[order[test]] = fold
    return pd.Series(tested_in, index=labels.index)

"""Who learns and who judges in each fold, and whether folds.csv and the predictions keep them apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthtrace.lineage.findings import Finding, fail, further, listed
from synthtrace.lineage.run import Run
from synthtrace.lineage.study import Study, Trainings
from synthtrace.quality.measure import grouping
from synthtrace.tables import ROLES

FOLDS = "data/folds/folds.csv"
# what tells trainings apart and needs its name beside it
NAMED = ("selection", "mode", "mixing_rate", "seed", "fold")


@dataclass(frozen=True)
class Sides:
    """One fold: ids of the images that may be learnt from (`train`) and that are scored (`test`, `val`), with their patients.

    Patients are those of folds.csv, by image; `patients_in` says of a set of images whose they are.
    """

    fold: int
    train: frozenset[str]
    test: frozenset[str]
    val: frozenset[str]
    patient: dict[str, str]

    def shown(self, image_ids: list[str]) -> str:
        """The first of some images in words, with its patient and its side, and how many more there are."""
        first = image_ids[0]
        sides = {"a training image": self.train, "a test image": self.test, "a validation image": self.val}
        side = next((name for name, ids in sides.items() if first in ids), "no image")
        whose = f" of patient {self.patient[first]!r}" if first in self.patient else ""
        return f"{first!r}{whose}, {side} of fold {self.fold}{further(len(image_ids) - 1, 'image')}"


def sides(study: Run) -> dict[int, Sides]:
    """Each fold of folds.csv; raises InputError when the table cannot be read."""
    found = {}
    for fold in study.fold_numbers:
        rows = study.folds[study.folds["fold"] == fold]
        ids = {role: frozenset(rows.loc[rows["role"] == role, "image_id"].astype(str)) for role in ROLES}
        patient = dict(zip(rows["image_id"].astype(str), rows["patient_id"].astype(str), strict=True))
        found[fold] = Sides(fold, ids["train"], ids["test"], ids["val"], patient)
    return found


def opposite(folds: dict[int, Sides], image_ids: list[str]) -> np.ndarray:
    """(N, N): whether some fold trains on one of two images and scores the other."""
    apart = np.zeros((len(image_ids), len(image_ids)), dtype=bool)
    for side in folds.values():
        learns = np.array([image_id in side.train for image_id in image_ids], dtype=bool)
        judges = np.array([image_id in side.test or image_id in side.val for image_id in image_ids], dtype=bool)
        apart |= np.outer(learns, judges)
    return apart | apart.T


def folds_apart(study: Study) -> Iterator[Finding]:
    """folds.csv: the folds that params.yaml asks for, and what `roles_apart` tells."""
    if study.fold_numbers != sorted(study.params.split.folds):
        yield fail(f"{FOLDS}: holds the folds {study.fold_numbers}; expected split.folds, {sorted(study.params.split.folds)}")
    yield from roles_apart(study)


def roles_apart(study: Run) -> Iterator[Finding]:
    """folds.csv: one role an image and fold, no patient on two sides, patients as in the manifest."""
    table = study.folds
    strange = table[~table["role"].isin(ROLES)]
    if len(strange):
        yield fail(f"{FOLDS}: role {strange['role'].iloc[0]!r} of {strange['image_id'].iloc[0]!r}; expected {', '.join(ROLES)}")
    twice = table[table.duplicated(["fold", "image_id"])]
    if len(twice):
        row = twice.iloc[0]
        yield fail(f"{FOLDS}: image {row['image_id']!r} has {len(twice) + 1} roles in fold {row['fold']}; expected one")
    patients = table.drop_duplicates(["image_id", "patient_id"])
    several = patients.loc[patients["image_id"].duplicated(), "image_id"]
    if len(several):
        yield fail(f"{FOLDS}: image {several.iloc[0]!r} has two patients{further(len(several) - 1, 'image')}; expected one")
    units = _units(study)
    unit = "patient" if study.params.dataset.patient_ids == "manifest" else "group of images"
    judged = table.assign(unit=units)[table["role"].isin(["train", "test", "val"])]
    roles = judged.groupby(["fold", "unit"])["role"].agg(lambda roles: " and ".join(sorted(set(roles)))).reset_index()
    for torn in roles[roles["role"].str.contains(" and ")].itertuples():
        yield fail(f"{FOLDS}: {unit} {torn.unit!r} is on two sides of fold {torn.fold}, {torn.role}; expected one")
    if not study.evidence:
        yield from _manifest_agrees(study)


def _units(study: Run) -> pd.Series:
    """What must not be torn apart, for each row of folds.csv."""
    own = study.folds["patient_id"].astype(str)
    if study.evidence or study.params.dataset.patient_ids == "manifest":
        return own
    group = grouping(study.manifest, study.params.dataset.patient_ids)
    return study.folds["image_id"].map(dict(zip(study.manifest["image_id"], group, strict=True))).fillna(own)


def _manifest_agrees(study: Run) -> Iterator[Finding]:
    patients = dict(zip(study.manifest["image_id"], study.manifest["patient_id"].astype(str), strict=True))
    rows = study.folds.drop_duplicates(["image_id", "patient_id"])
    for image_id, patient in zip(rows["image_id"], rows["patient_id"].astype(str), strict=True):
        if image_id not in patients:
            yield fail(f"{FOLDS}: image {image_id!r} is not in the crops' manifest")
        elif patients[image_id] != patient:
            yield fail(
                f"{FOLDS}: image {image_id!r} is of patient {patient!r}; expected {patients[image_id]!r} as in the crops' "
                "manifest"
            )


def predictions_apart(study: Study, folds: dict[int, Sides], trainings: Trainings, labels: dict[str, int]) -> Iterator[Finding]:
    """What some trainings predicted: each test image once a training, in its own fold, under its patient and label.

    `labels` by image; images that it lacks are added from this table, so that without a manifest tables are held against
    each other.
    """
    name = trainings.predictions
    table = study.predicted(trainings)
    table = table.assign(image_id=table["image_id"].astype(str), patient_id=table["patient_id"].astype(str))
    for fold in table["fold"].unique():
        rows, side = table[table["fold"] == fold], folds.get(fold)
        if side is None:
            yield fail(f"{name}: holds predictions of fold {fold}, which folds.csv lacks")
            continue
        images = rows.drop_duplicates(["image_id", "patient_id", "label"])
        wrong = [image_id for image_id in images["image_id"].unique() if image_id not in side.test]
        if wrong:
            yield fail(f"{name}: fold {fold} scores {side.shown(wrong)}; expected its test images alone")
        for image_id, patient, label in zip(images["image_id"], images["patient_id"], images["label"], strict=True):
            if side.patient.get(image_id, patient) != patient:
                yield fail(
                    f"{name}: image {image_id!r} stands under patient {patient!r}; expected {side.patient[image_id]!r} "
                    "as in folds.csv"
                )
            if labels.setdefault(image_id, int(label)) != label:
                yield fail(f"{name}: image {image_id!r} has label {label}; expected {labels[image_id]}")
    yield from _once(name, table, folds, list(trainings.told_by))


def told(names: Iterable[str], values: Iterable[object]) -> str:
    """Which training it is: `resnet18, seed 1`, `resnet18 partial, mixing rate 0.5, seed 1`."""
    named = zip(names, values, strict=True)
    return ", ".join(f"{name.replace('_', ' ')} {value}" if name in NAMED else str(value) for name, value in named)


def _once(name: str, table: pd.DataFrame, folds: dict[int, Sides], told_by: list[str]) -> Iterator[Finding]:
    for training, rows in table.groupby(told_by):
        run = f"{name}: {told(told_by, training)}"
        repeated = rows.loc[rows.duplicated(["fold", "image_id"]), "image_id"]
        if len(repeated):
            yield fail(f"{run} scores {listed(repeated, 3)} more than once; expected every test image once")
        for fold, side in folds.items():
            left = sorted(side.test - set(rows.loc[rows["fold"] == fold, "image_id"]))
            if left:
                yield fail(f"{run} does not score {listed(left, 3)} of fold {fold}; expected every test image once")

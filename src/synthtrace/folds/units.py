"""What no split may tear apart: patients, and groups of images where nobody knows the patients."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from synthtrace.errors import InputError


def units_of(manifest: pd.DataFrame, patient_ids: str) -> pd.Series:
    """The unit of each image, as text: its patient, or its group of images.

    Args:
        manifest: contract columns of a manifest, one row an image.
        patient_ids: "manifest", or "none" for a data set without patient ids, which is then grouped by `group_id`, and where
            that is absent by `pixel_hash` (an image and its exact copies).

    Raises:
        InputError: an image has no patient, or a patient has two labels; groups of mixed labels are legal.
    """
    if patient_ids != "manifest":
        return _groups(manifest)
    missing = manifest.loc[manifest["patient_id"].isna(), "image_id"]
    if len(missing):
        raise InputError(
            f"image {missing.iloc[0]!r} has no patient_id in the manifest; expected one, or dataset.patient_ids: none"
        )
    patients = manifest["patient_id"].astype(str)
    for patient, labels in labels_in(manifest, patients).items():
        if len(labels) > 1:
            raise InputError(f"patient {patient!r} has the labels {list(labels)} in the manifest; expected one label a patient")
    return patients


def labels_in(manifest: pd.DataFrame, units: pd.Series) -> dict[str, tuple[int, ...]]:
    """The labels of each unit's images, ascending; units in the order of their names."""
    pairs = pd.DataFrame({"unit": units, "label": manifest["label"]}).drop_duplicates().sort_values(["unit", "label"])
    labels_of: dict[str, tuple[int, ...]] = {}
    for unit, label in zip(pairs["unit"], pairs["label"], strict=True):
        labels_of[unit] = (*labels_of.get(unit, ()), int(label))
    return labels_of


def words(patient_ids: str) -> str:
    """What units are called, plural."""
    return "patients" if patient_ids == "manifest" else "groups of images"


def _groups(manifest: pd.DataFrame) -> pd.Series:
    """A `group_id`, and identical pixels, also of two groups."""
    pixels = "pixels:" + manifest["pixel_hash"].astype(str)
    if "group_id" not in manifest.columns:
        return pixels
    groups = ("group:" + manifest["group_id"].astype("string")).fillna(pixels).astype(str)
    ends = pd.factorize(pd.concat([pixels, groups], ignore_index=True))[0].reshape(2, -1)
    size = ends.max() + 1
    _, component = connected_components(coo_array((np.ones(len(manifest)), tuple(ends)), shape=(size, size)), directed=False)
    return groups.groupby(component[ends[0]]).transform("min")

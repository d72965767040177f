"""Scans: the manifest and its image files, as they came in."""

from pathlib import Path

import great_expectations as gx
import pandas as pd

from synthtrace.params import Params, Split
from synthtrace.quality import expect
from synthtrace.quality.measure import EIGHT_BIT, agree, distinct, equal_pixels, grouping, listed_files, measure_images
from synthtrace.tables import MANIFEST, read_manifest

SOURCE = "Mend the source of the scans (dataset.path) and run `dvc repro` again."


def measure(folder: Path, labels: list[str], patient_ids: str) -> dict[str, pd.DataFrame]:
    """Tables images, files, patients, classes and dataset of a folder of scans."""
    manifest = read_manifest(folder)
    images = manifest[MANIFEST].join(measure_images(folder, manifest["path"], "measuring scans").drop(columns="path"))
    group = grouping(manifest, patient_ids)
    known = manifest["label"].isin(range(len(labels)))
    declared = manifest["label"].where(known).map(dict(enumerate(labels)))
    images["label_declared"] = known
    images["label_named"] = agree(declared, manifest["label_name"])
    images["hash_right"] = agree(images["found_hash"], manifest["pixel_hash"])
    images["equal_within"] = equal_pixels(images, "found_hash", group, same=True)
    images["equal_across"] = equal_pixels(images, "found_hash", group, same=False)
    by_group = manifest.groupby(group)["label"]
    patients = (
        pd.DataFrame({"labels": by_group.nunique(), "found": by_group.agg(distinct)}).rename_axis("patient").reset_index()
    )
    return {
        "images": images,
        "files": listed_files(folder, "images", manifest["path"]),
        "patients": patients,
        "classes": pd.DataFrame(
            {"label_name": labels, "patients": [group[manifest["label"] == label].nunique() for label in range(len(labels))]}
        ),
        "dataset": pd.DataFrame({"patient_ids": [patient_ids]}),
    }


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected in a study with these parameters."""
    return suites(params.dataset.labels, params.dataset.patient_ids, params.split)


def suites(labels: list[str], patient_ids: str, split: Split) -> list[gx.ExpectationSuite]:
    """What is expected of scans."""
    subsets = split.protocol == "subsets"
    # the fewest patients of a class that can be split
    fewest = len(split.folds) + 1 if subsets else split.folds_a_round
    named = patient_ids == "manifest"
    unit, key = ("patient", "patient_id") if named else ("group of images", "group_id")
    images = [
        expect.unique("image_id", "image ids are unique", f"Two rows have one image_id. {SOURCE}"),
        expect.matches(
            "image_id",
            r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
            "image ids are safe file names",
            f"Use A-Z a-z 0-9 . _ - only. {SOURCE}",
        ),
        *expect.readable("scans", None, EIGHT_BIT, SOURCE),
        expect.between(
            "shorter_side", 16, None, "scans have 16 pixels a side", f"The image is too small to be cropped. {SOURCE}"
        ),
        expect.between("sd", 1e-9, None, "scans are not constant", f"Every pixel has one brightness. {SOURCE}"),
        expect.between(
            "mean",
            2,
            250,
            "scans have a mean brightness of 2 to 250",
            "Nearly black or white: look at the image, and leave it out if it shows nothing.",
            "warning",
        ),
        expect.true(
            "hash_right",
            "pixel hashes are those of the files",
            "The file is not the one that was ingested: run `dvc repro -f ingest`.",
        ),
        expect.true(
            "label_declared", "labels are declared", f"Add the class to dataset.labels, or leave the image out. {SOURCE}"
        ),
        expect.true(
            "label_named", "label names are those of dataset.labels", f"The label's number and name disagree. {SOURCE}"
        ),
        expect.empty(
            "equal_within",
            f"no two scans of a {unit} are pixel-identical",
            "Harmless to the folds; leave the copies out if every image should count once.",
            "warning",
        ),
        expect.empty(
            "equal_across",
            f"pixel-identical scans belong to one {unit}",
            f"One image stands under two {key}s: leave one out, or give both one {key}.",
        ),
    ]
    if named:
        images.append(
            expect.filled("patient_id", "patients are named", "Fill in patient_id, or set dataset.patient_ids to none.")
        )
    return [
        expect.table_suite("images", ["image_id", "patient_id", "label"], images),
        expect.table_suite(
            "files",
            ["path"],
            [
                expect.one_of(
                    "rows",
                    [1],
                    "every file is listed once",
                    "A file that no row or several rows name: run `dvc repro -f ingest`.",
                )
            ],
        ),
        expect.table_suite(
            "patients",
            ["patient", "found"],
            # without patient ids a group may hold several labels: the folds are then made group by group all the same
            [
                expect.one_of(
                    "labels",
                    [1],
                    f"every {unit} has one label",
                    f"Mend the labels, or the grouping, of these images. {SOURCE}",
                    "critical" if named else "warning",
                )
            ],
        ),
        expect.table_suite(
            "classes",
            ["label_name"],
            [
                expect.between(
                    "patients",
                    fewest,
                    None,
                    f"every class has {fewest} {unit}s, one a {'subset and one to test' if subsets else 'fold'}",
                    "Lower split.folds or add patients of this class.",
                )
            ],
        ),
        expect.patients_known(),
    ]

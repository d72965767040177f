"""Scans of a study with one test set: as `scans`, but for how many patients of a class folds need."""

import great_expectations as gx

from synthtrace.quality import expect
from synthtrace.quality.suites import scans
from synthtrace.quality.suites.holdout_folds import ONE_SUBSET


def suites(labels: list[str], patient_ids: str) -> list[gx.ExpectationSuite]:
    """What is expected of scans; a class may be in the test set alone, or have one patient."""
    others = [suite for suite in scans.suites(labels, patient_ids, ONE_SUBSET) if suite.name != "classes"]
    shown = expect.between("patients", 1, None, "every label has images", "Take the label out of dataset.labels.")
    return [*others, expect.table_suite("classes", ["label_name"], [shown])]

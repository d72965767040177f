"""Scores of the segmentation study: every test pair, by every recipe and seed that was not skipped."""

from collections.abc import Mapping

import great_expectations as gx
import pandas as pd

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.quality import expect
from synthtrace.quality.measure import agree, grouping
from synthtrace.segment.recipes import REAL, recipes_of
from synthtrace.segment.scores import METRICS
from synthtrace.segment.tables import SCORES

AGAIN = "Run `dvc repro -f segment_real segment`."
TRAINING = ["item", "recipe", "seed"]

Tables = Mapping[str, pd.DataFrame]


def measure(
    scores: Tables, skipped: Tables, manifest: pd.DataFrame, folds: pd.DataFrame, params: SegmentationParams
) -> dict[str, pd.DataFrame]:
    """Tables cells, coverage, scores and trainings.

    Args:
        scores: by the item that trained: `real` or a pool.
        skipped: recipes that an item could not train, by the item.
        manifest: the crops'.
        folds: the folds table.
        params: say which recipes and seeds there should be.
    """
    rows = pd.concat([table[SCORES].assign(item=item) for item, table in scores.items()], ignore_index=True)
    listed = pd.concat([table[["recipe", "reason"]].assign(item=item) for item, table in skipped.items()], ignore_index=True)
    facts = manifest.drop_duplicates("image_id").set_index("image_id")
    roles = folds.drop_duplicates(["fold", "image_id"]).set_index(["fold", "image_id"])["role"]
    rows["role"] = roles.reindex(pd.MultiIndex.from_frame(rows[["fold", "image_id"]])).fillna("none").to_numpy()
    rows["same_area"] = agree(rows["mask_area"].round(9), rows["image_id"].map(facts["mask_area"].round(9)))
    rows["apart"] = (rows["dice"] - 2 * rows["iou"] / (1 + rows["iou"])).abs()
    unit = dict(zip(manifest["image_id"], grouping(manifest, params.dataset.patient_ids), strict=True))
    trained = {unit.get(image_id): image_id for image_id in folds.loc[folds["role"] == "train", "image_id"]}
    rows["torn"] = [trained.get(unit.get(image_id)) for image_id in rows["image_id"]]
    trainings = rows.groupby(TRAINING)["predicted_area"].agg(["min", "max"]).reset_index()
    trainings["spread"] = trainings["max"] - trainings["min"]
    return {
        "cells": _cells(trainings[TRAINING], listed, params),
        "coverage": _coverage(rows, trainings, folds),
        "scores": rows,
        "trainings": trainings,
    }


def _cells(found: pd.DataFrame, listed: pd.DataFrame, params: SegmentationParams) -> pd.DataFrame:
    """A row a training that is asked for, found, or of a recipe that is listed as skipped."""
    seeds = pd.DataFrame({"seed": range(params.segmenter.seeds)})
    recipes = pd.DataFrame([(one.pool, one.name) for one in recipes_of(params.mixes, params.kinds)], columns=TRAINING[:2])
    wanted = recipes.merge(seeds, how="cross").assign(declared=True)
    not_trained = listed.merge(seeds, how="cross")[[*TRAINING, "reason"]]
    table = wanted.merge(found.assign(found=True), on=TRAINING, how="outer").merge(not_trained, on=TRAINING, how="outer")
    trained, skipped = table["found"].notna(), table["reason"].notna()
    table["declared"] = table["declared"].notna()
    table["there"], table["twice"] = trained | skipped, trained & skipped
    real = table["item"] == REAL
    sizes = {one.name for one in recipes_of(params.mixes, params.kinds) if one.size is not None}
    table["real_skipped"] = table["reason"].where(real & ~table["recipe"].isin(sizes))
    return table.drop(columns="found")


def _coverage(rows: pd.DataFrame, trainings: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """How often each training scores each test image."""
    tested = folds.loc[folds["role"] == "test", ["fold", "image_id"]].drop_duplicates()
    counts = rows.groupby([*TRAINING, "fold", "image_id"]).size().rename("rows").reset_index()
    wanted = trainings[TRAINING].merge(tested, how="cross").merge(counts, on=[*TRAINING, "fold", "image_id"], how="left")
    return wanted.assign(rows=wanted["rows"].fillna(0).astype(int))


def suites() -> list[gx.ExpectationSuite]:
    """What is expected of scores."""
    image = [*TRAINING, "fold", "image_id"]
    learned = "The network learned nothing: train longer (segmenter.steps) or change its learning rate."
    return [
        expect.table_suite(
            "cells",
            TRAINING,
            [
                expect.true("there", "every recipe and seed is there, or listed as skipped", AGAIN),
                expect.true("declared", "every recipe and seed is asked for, of its own item", AGAIN),
                expect.one_of("twice", [False], "no skipped recipe has scores", AGAIN),
                expect.empty("real_skipped", "all real pairs were trained on", AGAIN),
            ],
        ),
        expect.table_suite(
            "coverage", image, [expect.one_of("rows", [1], "every test image is scored once a training", AGAIN)]
        ),
        expect.table_suite(
            "scores",
            image,
            [
                expect.one_of("role", ["test"], "every scored image is a test image", f"It leaked. {AGAIN}"),
                expect.empty("torn", "no group of a scored image is trained on", f"It leaked: split anew. {AGAIN}"),
                *(expect.filled(metric, f"{metric} is a number", AGAIN) for metric in METRICS),
                *(expect.between(metric, 0, 1, f"{metric} lies in [0, 1]", AGAIN) for metric in METRICS),
                expect.between("apart", None, 1e-9, "dice is 2 iou / (1 + iou), and so no less than iou", AGAIN),
                expect.true("same_area", "masks are those of the crops", AGAIN),
            ],
        ),
        expect.table_suite(
            "trainings",
            TRAINING,
            [expect.between("spread", 1e-9, None, "a training's predictions differ between images", learned, "warning")],
        ),
    ]

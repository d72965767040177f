"""Pools: synthetic candidates, their ledgers, and how they were scored."""

from pathlib import Path

import great_expectations as gx
import numpy as np
import pandas as pd

from synthtrace.images import file_sha256
from synthtrace.params import Params
from synthtrace.quality import expect
from synthtrace.quality.measure import MEASURED, agree, equal_pixels, listed_files, measure_images
from synthtrace.tables import CANDIDATES, LEDGER, read_candidates, read_ledger, with_role

SAMPLE = "Run `dvc repro -f sample@<kind>-<fold>`."
SCORE = "Run `dvc repro -f score_candidates@<kind>-<fold>`."
POOL = ["kind", "fold"]
OF_CANDIDATES = ["in_ledger", "same_label", "nearest_in_train", "distance_finite"]
OF_FILES = ["hash_right", "file_right", "candidate_rows", "condition_in_train", "condition_label"]


def measure(
    pools: Path, scored: Path, manifest: pd.DataFrame, folds: pd.DataFrame, kinds: list[str], labels: list[str]
) -> dict[str, pd.DataFrame]:
    """Tables pools, images, files and candidates of every kind in every fold of `folds` (folds.csv).

    `manifest` is the crops'. A pool that is not there, or has no scores, is a row of `pools` and nothing else.
    """
    ledgers, candidates, files, present = [], [], [], []
    for kind in kinds:
        for fold in sorted(folds["fold"].unique()):
            pool, scores = pools / kind / f"fold{fold}", scored / kind / f"fold{fold}"
            present.append(
                {
                    "kind": kind,
                    "fold": fold,
                    "ledger": (pool / "ledger.parquet").is_file(),
                    "scores": (scores / "candidates.parquet").is_file(),
                }
            )
            if not (present[-1]["ledger"] and present[-1]["scores"]):
                continue
            train = with_role(manifest, folds, fold, "train")
            ledger, table = read_ledger(pool), read_candidates(scores)
            here = {"kind": kind, "fold": fold}
            ledgers.append(_images(pool, ledger, table, train).assign(in_kind=kind, in_fold=fold))
            candidates.append(_candidates(ledger, table, set(train["image_id"])).assign(**here))
            files.append(listed_files(pool, "images", ledger["path"]).assign(**here))
    images = _all(ledgers, [*LEDGER, *MEASURED[1:], *OF_FILES, "in_kind", "in_fold"])
    images["label_declared"] = images["label"].isin(range(len(labels)))
    images["right_pool"] = (images["generator"] == images["in_kind"]) & (images["fold"] == images["in_fold"])
    images["equal_within"] = equal_pixels(images, "found_hash", images["in_kind"], same=True)
    return {
        "pools": pd.DataFrame(present),
        "images": images,
        "files": _all(files, ["path", "rows", *POOL]),
        "candidates": _all(candidates, [*CANDIDATES, *OF_CANDIDATES, *POOL]),
    }


def _images(pool: Path, ledger: pd.DataFrame, candidates: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """A pool's ledger with what its files hold."""
    images = ledger[LEDGER].reset_index(drop=True)
    images = images.join(measure_images(pool, images["path"], f"measuring {pool}").drop(columns="path"))
    images["hash_right"] = agree(images["found_hash"], images["pixel_hash"])
    found = [
        file_sha256(pool / path) if exists else None for path, exists in zip(images["path"], images["exists"], strict=True)
    ]
    images["file_right"] = agree(pd.Series(found, dtype=object), images["file_sha256"])
    images["candidate_rows"] = images["image_id"].map(candidates["image_id"].value_counts()).fillna(0).astype(int)
    condition = images["condition_image_id"]
    label = train.drop_duplicates("image_id").set_index("image_id")["label"]
    images["condition_in_train"] = condition.isin(label.index).astype(object).where(condition.notna())
    images["condition_label"] = agree(condition.map(label), images["label"])
    return images


def _candidates(ledger: pd.DataFrame, table: pd.DataFrame, train: set[str]) -> pd.DataFrame:
    """A pool's scored candidates with what its ledger says of them."""
    candidates = table[CANDIDATES].reset_index(drop=True)
    own = ledger.drop_duplicates("image_id").set_index("image_id")
    candidates["in_ledger"] = candidates["image_id"].isin(own.index)
    candidates["same_label"] = agree(candidates["image_id"].map(own["label"]), candidates["label"])
    candidates["nearest_in_train"] = candidates["nearest_real_id"].isin(train)
    candidates["distance_finite"] = np.isfinite(candidates["nearest_real_distance"].astype(float))
    return candidates


def _all(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def expected(params: Params) -> list[gx.ExpectationSuite]:
    """What is expected in a study with these parameters."""
    return suites(params.preprocess.image_size, params.preprocess.channels)


def suites(image_size: int, channels: int) -> list[gx.ExpectationSuite]:
    """What is expected of pools and scores; `image_size` in pixels."""
    collapsed = "The generator may have collapsed: look at the pool, train longer or lower sample.guidance_scale."
    return [
        expect.table_suite(
            "pools",
            POOL,
            [
                expect.true("ledger", "every kind and fold has a pool", SAMPLE),
                expect.true("scores", "every pool is scored", SCORE),
            ],
        ),
        expect.table_suite(
            "images",
            ["in_kind", "in_fold", "image_id", "label"],
            [
                expect.unique("image_id", "image ids are unique", f"Two candidates have one image_id. {SAMPLE}"),
                *expect.readable("candidates", [f"{image_size} x {image_size}"], ["L" if channels == 1 else "RGB"], SAMPLE),
                expect.true("hash_right", "pixel hashes are those of the files", f"The file is not the one sampled. {SAMPLE}"),
                expect.true("file_right", "file digests are those of the files", f"The file is not the one sampled. {SAMPLE}"),
                expect.between("sd", 1e-9, None, "99 % of the candidates are not constant", collapsed, share=0.99),
                expect.between(
                    "mean", 2, 250, "99 % of the candidates have a mean brightness of 2 to 250", collapsed, "warning", 0.99
                ),
                expect.empty("equal_within", "no two candidates of a kind are pixel-identical", collapsed, "warning"),
                expect.true("label_declared", "labels are declared", f"dataset.labels has no such label. {SAMPLE}"),
                expect.true("right_pool", "candidates stand in the pool of their kind and fold", SAMPLE),
                expect.true("condition_in_train", "maps come from training images of the fold", SAMPLE),
                expect.true("condition_label", "candidates have the label of their map's image", SAMPLE),
                expect.one_of("candidate_rows", [1], "every candidate is scored once", SCORE),
            ],
        ),
        expect.table_suite(
            "files",
            [*POOL, "path"],
            [
                expect.one_of(
                    "rows", [1], "every file is listed once", f"No row or several rows of the ledger name it. {SAMPLE}"
                )
            ],
        ),
        expect.table_suite(
            "candidates",
            [*POOL, "image_id"],
            [
                expect.true("in_ledger", "every scored candidate is in the ledger", SCORE),
                expect.true("same_label", "candidates have the ledger's labels", SCORE),
                expect.true("nearest_in_train", "nearest real images are training images of the fold", SCORE),
                expect.true("distance_finite", "distances are numbers", SCORE),
            ],
        ),
    ]

"""Papers 3 and 4 on real histology patches, shrunk, by the commands that a user types."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from pipeline_clone import Clone

from synthtrace.cards import read_card
from synthtrace.tables import read_folds, read_ledger, read_manifest, read_selection, read_unfilled

KINDS = ["gan", "unet", "guided"]
AFTER = {"score_pools", "check_predictions", "compare", "report"}


@pytest.fixture
def mine(patches: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished study, to be changed at will."""
    return patches.copied(tmp_path / "clone")


def ran(clone: Clone, setting: str) -> set[str]:
    """The stages that an experiment with this setting runs, `fingerprint` aside."""
    result = clone.run("dvc", "exp", "run", "-S", setting)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    return set(re.findall(r"Running stage '([^']+)'", result.stdout))


def per_kind(stem: str, *kinds: str, folds: bool = True) -> set[str]:
    return {f"{stem}@{kind}-{fold}" if folds else f"{stem}@{kind}" for kind in kinds for fold in (0, 1)}


def test_every_cell_has_figures_or_says_why_not(patches: Clone) -> None:
    curve = json.loads((patches.folder / "metrics/curve.json").read_text())
    assert (curve["protocol"], curve["rounds"]) == ("subsets", 2)
    (run,) = curve["runs"]
    points = {(one["scenario"], one["selection"], one["mode"]): one for one in run["points"]}
    selections, modes = ["none", "realism", "class_realism+centroid"], ["augment", "transfer", "synthetic"]
    assert set(points) == {("real", "none", "augment"), ("traditional", "none", "augment")} | {
        (kind, selection, mode) for kind in KINDS for selection in selections for mode in modes
    }
    for (kind, selection, _), point in points.items():
        if "unfilled" in point:
            assert point["unfilled"]["kept"] < point["unfilled"]["needed"]
            table = read_unfilled(patches.folder / f"data/curve/{kind}")
            assert selection in set(table["selection"])
        else:
            assert set(point["scores"]) == {"auc", "accuracy", "sensitivity", "specificity", "f1"}
    assert all("unfilled" not in points[kind, "none", mode] for kind in KINDS for mode in modes)


def test_the_audit_is_clean(patches: Clone) -> None:
    result = patches.run("synthtrace", "audit", "--all")
    assert result.returncode == 0, result.stdout
    assert "all that was checked holds: 12 pass\n" in result.stdout


def test_pretrained_models_saw_unused_patches_alone(patches: Clone) -> None:
    folds = read_folds(patches.folder / "data/folds/folds.csv")
    used = set(folds.loc[folds["role"] != "unused", "image_id"])
    every = set(read_manifest(patches.folder / "data/crops")["image_id"])
    for folder in ("data/autoencoders/pretrained/shared", "data/denoisers/guided"):
        seen = set(read_card(patches.folder / folder)["image_ids"])
        assert seen
        assert seen <= every - used


def test_a_gan_needs_no_sampler_and_the_ledger_says_so(patches: Clone) -> None:
    drawn = {kind: read_ledger(patches.folder / f"data/pools/{kind}/fold0").iloc[0] for kind in KINDS}
    assert (drawn["gan"]["sampler"], drawn["gan"]["steps"]) == ("gan", 1)
    assert (drawn["guided"]["sampler"], drawn["guided"]["steps"], drawn["guided"]["guidance_scale"]) == ("ddim", 2, 1.0)


def test_modes_draw_what_they_are_named_for(patches: Clone) -> None:
    manifest = set(read_manifest(patches.folder / "data/crops")["image_id"])
    drawn = pd.read_parquet(patches.folder / "data/curve/unet/training.parquet")
    drawn = drawn[drawn["selection"] == "none"]
    real = drawn["image_id"].isin(manifest).groupby(drawn["mode"]).agg(["any", "all"])
    assert real["any"].to_dict() == {"augment": True, "synthetic": False, "transfer": True}
    assert not real["all"].any()


def test_fidelity_is_of_what_the_first_seed_draws(patches: Clone) -> None:
    fidelity = json.loads((patches.folder / "metrics/fidelity.json").read_text())
    rows = [row for row in fidelity["pools"] if row["part"] == "drawn" and row["label"] is not None]
    compared = set()
    for row in rows:
        kind, fold = row["kind"], row["fold"]
        drawn = pd.read_parquet(patches.folder / f"data/curve/{kind}/training.parquet")
        own = {"seed": 0, "fold": fold, "selection": row["selection"], "mixing_rate": row["mixing_rate"], "mode": "synthetic"}
        drawn = drawn[(drawn[list(own)] == pd.Series(own)).all(axis=1)]
        if drawn.empty:
            continue  # the curve trains on no such draw
        labels = read_ledger(patches.folder / f"data/pools/{kind}/fold{fold}").set_index("image_id")["label"]
        assert row["images"] == (drawn["image_id"].map(labels) == row["label"]).sum()
        compared.add((kind, row["selection"]))
    curve = json.loads((patches.folder / "metrics/curve.json").read_text())
    points = [point for point in curve["runs"][0]["points"] if point["mode"] == "synthetic" and "unfilled" not in point]
    assert compared == {(point["scenario"], point["selection"]) for point in points} >= {(kind, "none") for kind in KINDS}


def test_another_selection_scores_no_candidate_and_leaves_the_curve_alone(mine: Clone) -> None:
    found = ran(mine, "selection.method=none")
    selected = per_kind("select", *KINDS) | per_kind("check_selection", *KINDS, folds=False)
    assert found == selected | per_kind("classify", *KINDS, folds=False) | AFTER | {"explain"}
    selection = read_selection(mine.folder / "data/selected/gan/fold0")
    assert {"realism", "class_realism", "centroid_distance", "confidence"} <= set(selection.columns)


def test_another_mode_reruns_the_classifiers_that_mix(mine: Clone) -> None:
    assert ran(mine, "training.mode=transfer") == per_kind("classify", *KINDS, folds=False) | AFTER - {"score_pools"} | {
        "explain"
    }


def test_another_kind_leaves_the_others_alone(mine: Clone) -> None:
    found = ran(mine, "generator.kinds=[gan,unet,guided,dit]")
    own = {"pretrain_denoiser@dit", "check_pools@dit", "check_selection@dit", "classify@dit", "curve@dit"}
    for stage in ("train_generator", "sample", "score_candidates", "select"):
        own |= per_kind(stage, "dit")
    assert found == own | AFTER

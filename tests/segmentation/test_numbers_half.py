"""Numbers of the segmentation study: known answers of made-up scores, and a tiny study from pools to page."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_scores import FOLDS, IMAGES, MANIFEST, OF_IMAGE, PARAMS, by_item, listed, scores, wanted
from made_study import make_study, parameters
from pydantic import ValidationError

from synthtrace.cards import read_card
from synthtrace.compare.segmentation import compare, from_workspace
from synthtrace.errors import InputError
from synthtrace.fidelity import pair_pools
from synthtrace.quality.gate import judge
from synthtrace.quality.suites.segmentations import measure, suites
from synthtrace.seeds import Seeds
from synthtrace.segment.inputs import groups_of, kept_pairs, real_pairs
from synthtrace.segment.mixing import why_skipped
from synthtrace.segment.networks import load
from synthtrace.segment.tables import read_drawn, read_scores, read_skipped
from synthtrace.segment.trainings import dealt, train_item
from synthtrace.stage import Stage
from synthtrace.tables import read_folds, read_manifest

ITEMS = ["real", *PARAMS.generators.pools]
CONTROL, PLAIN = "full real control", "full real"
ADDED = "augment diff alpha0.5 control"


def test_every_recipe_belongs_to_one_item_that_reads_one_pool() -> None:
    by = {item: dealt(item, PARAMS) for item in ITEMS}
    assert sorted(recipe.name for recipes in by.values() for recipe in recipes) == sorted(one.name for one in wanted())
    assert all(recipe.kind == "real" for recipe in by["real"])
    assert {(recipe.kind, recipe.saw_all, recipe.size) for recipe in by["diff_n8"]} == {("diff", False, 8)}
    assert [recipe.size for recipe in by["diff"] if recipe.saw_all] == [8]
    assert not any(recipe.size for recipe in by["gan"])
    with pytest.raises(InputError, match="no item 'dif'; expected one of real, diff"):
        dealt("dif", PARAMS)


def test_small_sets_need_the_pool_of_all_pairs_too() -> None:
    with pytest.raises(ValidationError, match="small sets of gan also need the pool gan"):
        parameters(generators={"kinds": ["diff", "gan_n8"], "styled": {}}, mixes={"small_kinds": ["gan"]})


@pytest.mark.parametrize("changes", [{"inpainting": {"respacing": 200}}, {"style": {"steps": 200}}])
def test_more_steps_than_the_training_has_timesteps_are_refused_before_any_work(changes: dict) -> None:
    with pytest.raises(ValidationError, match=r"(respacing|steps): is 200; expected at most the 100 of diffusion"):
        parameters(diffusion={"train_timesteps": 100}, **changes)


def test_means_spreads_and_differences_are_those_of_the_scores() -> None:
    summary = compare(scores(), {}, FOLDS, PARAMS).summary
    real, added = summary["recipes"][CONTROL], summary["recipes"][ADDED]
    assert real["iou"]["mean"] == pytest.approx(OF_IMAGE.mean() + 0.01)
    assert real["iou"]["sd"] == pytest.approx(np.std([0, 0.02], ddof=1))
    assert real["dice_loss"]["mean"] == pytest.approx(1 - OF_IMAGE.mean() - 0.01)
    assert real["versus_real"] is None
    assert added["versus_real"]["reference"] == CONTROL
    assert added["versus_real"]["iou"]["difference"] == pytest.approx(0.1)
    assert added["versus_real"]["iou"]["ci95"] == pytest.approx([0.1, 0.1]), "each image gains as much: paired draws agree"
    low, high = real["iou"]["ci95"]
    assert OF_IMAGE[:2].mean() + 0.01 - 1e-9 <= low < real["iou"]["mean"] < high <= OF_IMAGE[4:].mean() + 0.01 + 1e-9
    assert (summary["images"], summary["groups"], summary["seeds"]) == (6, 3, 2)
    small = summary["recipes"]["small diff 8 x1 control"]
    assert small["versus_real"]["reference"] == "small real 8 control"
    assert summary["skipped"] == []
    json.dumps(summary, allow_nan=False)


def test_tables_are_those_of_the_paper() -> None:
    comparison = compare(scores(), {}, FOLDS, PARAMS)
    tables = comparison.summary["tables"]
    kinds = ["diff", "gan", "styled_diff"]
    assert tables["3"] == [CONTROL, *(f"synthetic {kind} x{multiple} control" for kind in kinds for multiple in (1, 3))]
    assert tables["4"] == [PLAIN, *(f"augment {kind} alpha0.5" for kind in kinds)]
    assert tables["5"] == [CONTROL, *(f"augment {kind} alpha0.5 control" for kind in kinds)]
    assert tables["6"] == ["small real 8 control", "small diff 8 x1 control", "small diff 8 x1 control saw all"]
    assert set(comparison.plots["augment"]["recipe"]) == {*tables["4"], *tables["5"]}
    assert comparison.plots["small"]["metric"].value_counts().tolist() == [3, 3, 3]


def test_a_skipped_recipe_is_listed_with_its_reason_and_has_no_numbers() -> None:
    name = "synthetic gan x3 control"
    summary = compare(scores(skip=frozenset([name])), {name: "too few"}, FOLDS, PARAMS).summary
    assert [(one["recipe"], one["reason"], one["multiple"]) for one in summary["skipped"]] == [(name, "too few", 3)]
    assert name not in summary["recipes"]
    assert name in summary["tables"]["3"]


def test_the_same_scores_in_another_order_give_the_same_summary() -> None:
    shuffled = scores().sample(frac=1, random_state=0)
    assert compare(shuffled, {}, FOLDS, PARAMS).summary == compare(scores(), {}, FOLDS, PARAMS).summary


def test_one_group_of_test_images_has_no_interval() -> None:
    comparison = compare(scores().assign(group_id="P"), {}, FOLDS, PARAMS)
    assert comparison.summary["recipes"][ADDED]["iou"]["ci95"] is None
    assert comparison.summary["recipes"][ADDED]["versus_real"]["iou"]["ci95"] is None
    assert comparison.plots["augment"]["lo"].isna().all()


def test_what_is_not_what_was_asked_for_is_refused() -> None:
    table = scores()
    with pytest.raises(InputError, match=r"augment diff alpha0\.5 control, seed 1, is neither there nor skipped"):
        compare(table[(table["recipe"] != ADDED) | (table["seed"] == 0)], {}, FOLDS, PARAMS)
    with pytest.raises(InputError, match=r"holds augment diff alpha0\.5 control, seed 0, which the parameters lack or skip"):
        compare(table, {ADDED: "too few"}, FOLDS, PARAMS)
    with pytest.raises(InputError, match="has 5 rows of 5 images; expected one of each of the 6 test images"):
        compare(table[table["image_id"] != IMAGES[0]], {}, FOLDS, PARAMS)
    with pytest.raises(InputError, match="full real control was skipped, which synthetic diff x1 control is compared with"):
        compare(table[table["recipe"] != CONTROL], {CONTROL: "too few"}, FOLDS, PARAMS)


def failed(table: pd.DataFrame, *skipped: str, manifest: pd.DataFrame = MANIFEST) -> set[str]:
    verdict = judge("predictions", "x", measure(by_item(table), listed(*skipped), manifest, FOLDS, PARAMS), suites())
    return {item["name"] for item in verdict["expectations"] if not item["pass"]}


def spoiled(column: str, value: object) -> pd.DataFrame:
    table = scores()
    table[column] = table[column].astype(object)
    table.loc[3, column] = value
    return table.infer_objects()


def test_the_gate_lets_whole_scores_pass_and_skipped_ones_that_are_listed() -> None:
    assert failed(scores()) == set()
    assert failed(scores(skip=frozenset([ADDED])), ADDED) == set()


@pytest.mark.parametrize(
    ("table", "expectation"),
    [
        (lambda: scores(skip=frozenset([ADDED])), "every recipe and seed is there, or listed as skipped"),
        (lambda: spoiled("seed", 2), "every recipe and seed is asked for, of its own item"),
        (lambda: scores().drop(index=3), "every test image is scored once a training"),
        (lambda: spoiled("image_id", "a0"), "every scored image is a test image"),
        (lambda: spoiled("image_id", "a0"), "no group of a scored image is trained on"),
        (lambda: spoiled("iou", 1.5), "iou lies in [0, 1]"),
        (lambda: spoiled("dice_loss", np.nan), "dice_loss is a number"),
        (lambda: spoiled("dice", 0.05), "dice is 2 iou / (1 + iou), and so no less than iou"),
        (lambda: spoiled("mask_area", 0.3), "masks are those of the crops"),
        (lambda: scores().assign(predicted_area=0.0), "a training's predictions differ between images"),
    ],
)
def test_the_gate_names_what_is_wrong(table, expectation: str) -> None:
    assert expectation in failed(table())


def test_the_gate_refuses_scores_of_a_recipe_that_is_listed_as_skipped_and_real_pairs_that_are() -> None:
    assert failed(scores(), ADDED) == {"no skipped recipe has scores"}
    assert "all real pairs were trained on" in failed(scores(skip=frozenset([CONTROL])), CONTROL)


def test_a_patient_on_both_sides_is_found_though_its_images_are_not() -> None:
    torn = MANIFEST.assign(patient_id=MANIFEST["patient_id"].replace("A", "P0"))
    assert failed(scores(), manifest=torn) == {"no group of a scored image is trained on"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every item trained for two steps."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("study")
    make_study(root, PARAMS)
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "disabled")
        os.chdir(root)
        try:
            for item in ITEMS:
                done = train_item(Stage(f"segment@{item}", PARAMS), item)
                Path("data/predictions").mkdir(exist_ok=True)
                folders = Path(f"data/predictions/{item}.parquet"), Path(f"data/segmenters/{item}")
                done.write(*folders, read_manifest(Path("data/crops")), PARAMS)
        finally:
            os.chdir(before)
    return root


def test_trainings_draw_kept_pairs_of_training_sources_and_score_the_test_pairs(study: Path) -> None:
    manifest, folds = read_manifest(study / "data/crops"), read_folds(study / "data/folds/folds.csv")
    train = set(folds.loc[folds["role"] == "train", "image_id"])
    for item in ITEMS:
        drawn = read_drawn(study / f"data/segmenters/{item}")
        assert set(drawn["source_image_id"]) <= train
        assert f"{item}-f0-00000" not in set(drawn["image_id"]), "selection drops the first"
        assert set(drawn["image_id"].str.rpartition("-f0-")[0]) <= {"", item}, "an item reads its own pool"
        card = read_card(study / f"data/segmenters/{item}")
        assert set(card["image_ids"]) <= set(drawn["image_id"])
        assert not [one for one in card["patient_ids"] if one.startswith("C3")]
    load(study / "data/segmenters/diff", torch.device("cpu"))
    tables = {item: read_scores(study / f"data/predictions/{item}.parquet") for item in ITEMS}
    skipped = {item: read_skipped(study / f"data/segmenters/{item}") for item in ITEMS}
    verdict = judge("predictions", "x", measure(tables, skipped, manifest, folds, PARAMS), suites())
    assert verdict["pass"], [item["name"] for item in verdict["expectations"] if not item["pass"]]
    comparison = from_workspace(study, folds, PARAMS)
    assert {one["recipe"] for one in comparison.summary["skipped"]} == {
        f"synthetic {kind} x3 control" for kind in ("diff", "gan", "styled_diff")
    }
    assert comparison.summary["images"] == 8
    assert comparison.summary["groups"] == 4, "patients of two images"


def test_a_pool_that_selection_empties_is_skipped_and_trains_nothing(study: Path) -> None:
    manifest, folds = read_manifest(study / "data/crops"), read_folds(study / "data/folds/folds.csv")
    groups = groups_of(manifest, "manifest")
    real = real_pairs(study / "data/crops", manifest, folds, 0, "train", 3, groups)
    pool, selected = (study / f"data/{part}/diff_n8/fold0" for part in ("pools", "selected"))
    assert len(kept_pairs(pool, selected, real, 3)) == 15
    with pytest.raises(InputError, match=r"was made from '.*'; expected one of the 2 real training pairs"):
        kept_pairs(pool, selected, real.take([0, 1]), 3)
    table = pd.read_parquet(selected / "selection.parquet")
    empty = study / "emptied"
    empty.mkdir()
    table.assign(kept=False).to_parquet(empty / "selection.parquet", index=False)
    nothing = kept_pairs(pool, empty, real, 3)
    assert nothing.masks.shape == (0, 1, 32, 32)
    reasons = [why_skipped(recipe, real, lambda _: nothing, PARAMS.segmenter, Seeds(1)) for recipe in dealt("diff", PARAMS)]
    assert all("no synthetic pair of the pool" in str(reason) for reason in reasons)


def test_pools_are_scored_raw_and_kept_beside_the_training_pairs(study: Path) -> None:
    found = pair_pools.from_workspace(study, PARAMS, torch.device("cpu"))
    rows = {(row["kind"], row["part"]): row for row in found["pools"]}
    assert list(rows) == [("real", "halves"), *((kind, part) for kind in ITEMS[1:] for part in ("raw", "kept"))]
    raw = rows["diff", "raw"]
    assert (raw["images"], raw["reference"], raw["available"]) == (16, 16, 32)
    assert rows["diff", "kept"]["available"] == 31
    assert 0 < raw["untouched"] < 1
    assert rows["gan", "raw"]["untouched"] is None
    assert (rows["diff_n8", "raw"]["images"], rows["diff_n8", "raw"]["available"]) == (16, 16)
    assert len(raw["ms_ssim"]["values"]) == found["draws"] == 2
    assert raw["fd_resnet10t"]["mean"] > 0

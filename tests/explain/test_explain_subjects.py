"""Which images are explained: held-out real ones of several patients, and kept ones that the very classifier trained on."""

from pathlib import Path

import numpy as np
import pytest
from explain_study import FOLD, params, write_study

from synthtrace.errors import InputError
from synthtrace.explain.subjects import choose
from synthtrace.images import load_stack
from synthtrace.tables import read_folds, read_ledger, read_manifest, read_selection, with_role, write_selection


def test_images_are_drawn_a_class_and_source_from_where_they_should(study: Path) -> None:
    chosen = choose(study, "class", params())
    assert chosen.notes == []
    counts = chosen.table.groupby(["source", "label", "label_name"]).size()
    assert counts.to_dict() == {
        ("real", 0, "healthy"): 2,
        ("real", 1, "nafld"): 2,
        ("class", 0, "healthy"): 2,
        ("class", 1, "nafld"): 2,
    }
    manifest, folds = read_manifest(study / "data/crops"), read_folds(study / "data/folds/folds.csv")
    real = chosen.table.loc[chosen.table["source"] == "real", "image_id"]
    assert set(real) <= set(with_role(manifest, folds, FOLD, "test")["image_id"])
    # of 0 to 5, which this classifier drew, number 5 was not kept
    assert set(chosen.table.loc[chosen.table["source"] == "class", "image_id"]) <= {f"class-{n}" for n in range(5)}


def test_pixels_are_those_of_the_rows(study: Path) -> None:
    chosen = choose(study, "class", params())
    paths = [
        study / ("data/crops" if source == "real" else f"data/pools/class/fold{FOLD}") / "images" / f"{image_id}.png"
        for image_id, source in chosen.table[["image_id", "source"]].itertuples(index=False)
    ]
    assert np.array_equal(chosen.images, load_stack(paths, 1))


def test_the_background_is_of_the_folds_training_images(study: Path) -> None:
    chosen = choose(study, "class", params(background=5))
    manifest, folds = read_manifest(study / "data/crops"), read_folds(study / "data/folds/folds.csv")
    paths = [study / "data/crops" / path for path in with_role(manifest, folds, FOLD, "train")["path"]]
    training = {image.tobytes() for image in load_stack(paths, 1)}
    background = [image.tobytes() for image in chosen.background]
    assert len(set(background)) == 5
    assert set(background) <= training


def test_real_images_come_from_different_patients_while_there_are_enough(study: Path) -> None:
    chosen = choose(study, "class", params(images=3))
    for label, patients in ((0, {"p0", "p2"}), (1, {"p1", "p3"})):
        of_class = chosen.table[(chosen.table["source"] == "real") & (chosen.table["label"] == label)]
        assert set(of_class["image_id"].str.split("-").str[0].head(2)) == patients


def test_the_draw_follows_the_seed_alone(study: Path) -> None:
    first, again = choose(study, "class", params()), choose(study, "class", params())
    assert first.table.equals(again.table)
    other = params().model_copy(update={"seed": 5})
    assert not choose(study, "class", other).table.equals(first.table)


def test_too_few_images_are_noted_and_the_others_explained(study: Path) -> None:
    folder = study / f"data/selected/class/fold{FOLD}"
    selection = read_selection(folder)
    write_selection(folder, selection.assign(kept=selection["kept"] & (selection["label"] == 0)))
    chosen = choose(study, "class", params(background=40))
    assert chosen.notes == [
        "fold 1 offers 0 images of class, nafld; asked for 2",
        "fold 1 offers 12 training images as background; asked for 40",
    ]
    assert len(chosen.table) == len(chosen.images) == 6
    assert len(chosen.background) == 12


def test_a_missing_classifier_is_an_error_naming_its_folder(study: Path) -> None:
    with pytest.raises(InputError, match=r"classifiers/semantic/card\.json: no such card"):
        choose(study, "semantic", params())


def test_colour_images_stay_in_colour(tmp_path: Path) -> None:
    chosen = choose(write_study(tmp_path, channels=3), "class", params(channels=3))
    assert chosen.images.shape[1] == chosen.background.shape[1] == 3


def test_synthetic_images_have_the_labels_of_their_ledger(study: Path) -> None:
    chosen = choose(study, "class", params())
    labels = read_ledger(study / f"data/pools/class/fold{FOLD}").set_index("image_id")["label"]
    synthetic = chosen.table[chosen.table["source"] == "class"].set_index("image_id")["label"]
    assert synthetic.to_dict() == labels[list(synthetic.index)].to_dict()

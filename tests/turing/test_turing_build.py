"""A reader test holds what params.turing asks for, is the same for the same parameters, and gives nothing away."""

import re
import subprocess

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from reader_study import LABELS, make_study, parameters

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image
from synthtrace.tables import read_ledger, read_selection
from synthtrace.turing.build import build, draw, encode
from synthtrace.turing.key import KEY_FILE, image_paths, read_key


def test_a_test_holds_the_counts_asked_for_and_the_key_says_where_each_image_comes_from(study, built):
    key = read_key(built)
    counts = key.groupby(["source", "kind", "label_name"]).size().to_dict()
    assert counts == {
        ("real", "", "healthy"): 2,
        ("real", "", "nafld"): 3,
        ("synthetic", "class", "healthy"): 1,
        ("synthetic", "class", "nafld"): 2,
        ("synthetic", "semantic", "healthy"): 1,
        ("synthetic", "semantic", "nafld"): 2,
    }
    manifest = pd.read_csv(study / "data/crops/manifest.csv").set_index("image_id")
    for row, path in zip(key.itertuples(), image_paths(built), strict=True):
        assert row.label_name == LABELS[row.label]
        assert pixel_hash(read_image(path)) == row.pixel_hash
        if row.source == "real":
            assert (row.patient_id, row.pixel_hash) == tuple(manifest.loc[row.image_id, ["patient_id", "pixel_hash"]])
            assert row.fold == ""
        else:
            selection = read_selection(study / f"data/selected/{row.kind}/fold{row.fold}").set_index("image_id")
            assert selection.loc[row.image_id, "kept"]


def test_the_paper_s_counts_are_the_default():
    default = parameters([7, 13], [6, 9])
    assert sum(default.turing.real) == 20
    assert sum(default.turing.synthetic) * len(default.generator.kinds) == 30


def test_the_same_parameters_give_the_same_files_and_another_seed_another_test(study, params, built, tmp_path):
    build(study, tmp_path / "again", params)
    first, again = ([path.read_bytes() for path in image_paths(folder)] for folder in (built, tmp_path / "again"))
    assert first == again
    assert (built / KEY_FILE).read_bytes() == (tmp_path / "again" / KEY_FILE).read_bytes()
    other = draw(study, params.model_copy(update={"seed": params.seed + 1}))
    assert list(other["image_id"]) != list(read_key(built)["image_id"])


def test_real_images_are_one_frame_a_patient_while_there_are_patients(study):
    key = draw(study, parameters([12, 12], [0, 0]))
    assert key["patient_id"].nunique() == 24
    more = draw(study, parameters([13, 0], [0, 0]))
    assert sorted(more.groupby("patient_id").size()) == [1] * 11 + [2]


def test_no_synthetic_image_has_its_map_from_a_real_image_that_is_shown(study):
    key = draw(study, parameters([6, 6], [6, 6]))
    shown = set(key.loc[key["source"] == "real", "image_id"])
    pools = [read_ledger(study / f"data/pools/semantic/fold{fold}") for fold in (0, 1)]
    maps = pd.concat(pools).set_index("image_id")["condition_image_id"]
    chosen = key.loc[key["kind"] == "semantic", "image_id"]
    assert len(chosen) == 12
    assert not shown & set(maps[chosen])
    assert shown & set(maps), "no shown image conditioned any candidate: nothing was excluded"


def test_files_differ_in_nothing_but_their_pixels(built):
    paths = image_paths(built)
    assert all(re.fullmatch(r"\d{3}\.png", path.name) for path in paths)
    assert len({path.stat().st_size for path in paths}) == 1
    assert len({path.stat().st_mtime_ns for path in paths}) == 1
    # the header is equal to the byte, and nothing but header, data and end is there
    assert len({path.read_bytes()[:33] for path in paths}) == 1
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert image.info == {}
    assert sorted(path.name for path in built.iterdir()) == [".gitignore", "images", KEY_FILE]


@pytest.mark.parametrize("shape", [(32, 32), (256, 256), (224, 224, 3), (1000, 1000)])
def test_a_file_s_length_does_not_depend_on_what_is_shown(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert len(encode(noise)) == len(encode(np.zeros(shape, dtype=np.uint8)))


def test_too_few_images_of_a_class_are_counted_and_the_parameter_named(study):
    with pytest.raises(InputError, match=r"turing\.real asks for 37 real images of nafld, but .*manifest\.csv holds 36"):
        draw(study, parameters([1, 37], [1, 1]))
    with pytest.raises(InputError, match=r"turing\.synthetic asks for 25 semantic images of healthy, but 24 are kept"):
        draw(study, parameters([0, 1], [25, 1]))


def test_a_test_that_is_there_is_never_drawn_over(study, params, built):
    with pytest.raises(InputError, match="is there already"):
        build(study, built, params)


def test_an_image_that_is_not_the_one_its_table_names_is_refused_and_nothing_is_left(tmp_path):
    params = parameters([1, 1], [0, 0])
    make_study(tmp_path, params, patients=4, frames=1, pool=8)
    for path in (tmp_path / "data/crops/images").iterdir():
        Image.new("L", (16, 16)).save(path)
    with pytest.raises(InputError, match="not those that its table names"):
        build(tmp_path, tmp_path / "test", params)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_git_ignores_a_test_wherever_it_lies(study, params, tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    build(study, tmp_path / "elsewhere", params)
    status = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == ""

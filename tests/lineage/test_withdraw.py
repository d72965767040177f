"""`synthtrace withdraw`: what descends from a patient is listed, and after `--apply` and `dvc repro` nothing of it is left."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pipeline_clone import Clone

from synthtrace.cards import read_card
from synthtrace.errors import InputError
from synthtrace.images import read_image, write_image
from synthtrace.lineage.hashing import Hasher, files_below
from synthtrace.lineage.study import Study
from synthtrace.lineage.withdraw import swap
from synthtrace.lineage.withdraw.apply import apply
from synthtrace.lineage.withdraw.cached import IMAGES, LISTINGS, MODELS, SYNTHETIC, held
from synthtrace.lineage.withdraw.dataset import without_rows
from synthtrace.lineage.withdraw.descent import Entry, descent, rerun
from synthtrace.lineage.withdraw.models import built_on
from synthtrace.lineage.withdraw.patient import files_of, find_patient
from synthtrace.lineage.withdraw.traces import traces
from synthtrace.lineage.withdraw.withdraw import infeasible, withdraw
from synthtrace.tables import read_folds, read_manifest, read_predictions

PATIENT = "P03"
GATED = ["ingest", "check_scans", "preprocess", "check_crops", "split", "check_folds"]


def snapshot(folder: Path) -> dict[str, str]:
    """md5 of every file of a study but DVC's own bookkeeping."""
    files = {
        name: path for name, path in files_below(folder).items() if not name.startswith((".git/", ".dvc/tmp/", ".scratch/"))
    }
    return {name: Hasher().file(path) for name, path in files.items()}


def ran(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


@pytest.fixture(scope="module")
def entries(phantom: Clone) -> dict[str, Entry]:
    study = Study(phantom.folder)
    return {entry.path: entry for entry in descent(study, find_patient(study, PATIENT)).entries}


def test_listing_agrees_with_who_trained_and_who_was_judged(phantom: Clone, entries: dict[str, Entry]) -> None:
    folds = read_folds(phantom.folder / "data/folds/folds.csv")
    role = {int(row.fold): row.role for row in folds[folds["patient_id"] == PATIENT].itertuples()}
    for fold, side in role.items():
        for kind in ("class", "semantic"):
            for name in (
                f"data/generators/{kind}/fold{fold}",
                f"data/pools/{kind}/fold{fold}",
                f"data/selected/{kind}/fold{fold}",
            ):
                assert (name in entries) == (side == "train")
        assert (f"data/features/fold{fold}" in entries) == (side == "train")
    assert entries["data/scans"].counts == {"images": 16, "theirs": 2}
    assert entries["data/crops"].counts == {"images": 16, "theirs": 2, "native crops": 2, "brightness maps": 2}
    assert entries["data/folds/folds.csv"].counts == {"folds": 2, "with role test": 1, "with role train": 1}
    assert not any(path.startswith("data/autoencoders") for path in entries)  # made of the unlabelled corpus alone


def test_every_image_of_a_generator_that_saw_the_patient_counts(phantom: Clone, entries: dict[str, Entry]) -> None:
    for path, entry in entries.items():
        if entry.group == "pools":
            ledger = pd.read_parquet(phantom.folder / path / "ledger.parquet")
            conditioned = ledger["condition_image_id"].fillna("").str.contains(f"-{PATIENT}-").sum()
            assert entry.counts == {
                "images": 24,
                "of a generator that saw them": 24,
                "conditioned on their maps": conditioned,
            }


def test_predictions_of_and_by_models_that_learnt_from_the_patient(phantom: Clone, entries: dict[str, Entry]) -> None:
    folds = read_folds(phantom.folder / "data/folds/folds.csv")
    trains = set(folds.loc[(folds["patient_id"] == PATIENT) & (folds["role"] == "train"), "fold"])
    for scenario in ("real", "traditional", "semantic", "class"):
        path = f"data/predictions/{scenario}.parquet"
        table = read_predictions(phantom.folder / path)
        assert entries[path].counts == {
            "predictions": len(table),
            "of their images": int((table["patient_id"] == PATIENT).sum()),
            "by models that descend": int(table["fold"].isin(trains).sum()),
        }
        table = read_predictions(phantom.folder / f"data/curve/{scenario}/predictions.parquet")
        assert entries[f"data/curve/{scenario}/predictions.parquet"].counts == {
            "predictions": len(table),
            "of their images": int((table["patient_id"] == PATIENT).sum()),
            "by models that descend": int(table["fold"].isin(trains).sum()),
        }
        models = entries[f"data/curve/{scenario}"].counts
        assert models["learnt from their images"] == models["trained models"] / 2
    assert entries["metrics/summary.json"].counts["numbers"] > 20
    assert entries["report/index.html"].group == "report"


def test_explanations_descend_from_whom_their_classifier_learnt(phantom: Clone) -> None:
    study = Study(phantom.folder)
    who = read_card(phantom.folder / "data/classifiers/semantic")["patient_ids"][0]
    found = {entry.path: entry.counts for entry in descent(study, find_patient(study, who)).entries}["data/explanations"]
    images = len(pd.read_parquet(phantom.folder / "data/explanations/explanations.parquet"))
    assert found["explained images"] == found["by a classifier that descends"] == images
    assert found["of theirs"] == 0  # a classifier is explained on images that it never saw


def test_listing_changes_nothing_and_names_what_would_run_again(phantom: Clone) -> None:
    before = snapshot(phantom.folder)
    text = "\n".join(withdraw(Study(phantom.folder), PATIENT, applying=False))
    assert snapshot(phantom.folder) == before
    assert "nothing was changed" in text
    stages = rerun(Study(phantom.folder))
    assert not {"fingerprint", "simulate"} & set(stages)
    assert {"ingest", "classify_real", "train_generator@semantic-0", "report"} <= set(stages)


def test_an_unknown_patient_is_told_with_the_nearest_ids(phantom: Clone) -> None:
    with pytest.raises(InputError, match="P3: no patient of data/raw/phantom; nearest are P03"):
        find_patient(Study(phantom.folder), "P3")
    with pytest.raises(InputError, match="expected one of its 8, such as P00, P01, P02, P03"):
        find_patient(Study(phantom.folder), "zzz")


def test_a_model_built_on_one_that_saw_the_patient_descends_too() -> None:
    cards = {"a": {}, "b": {"autoencoder": "a"}, "c": {"started_from": "b"}, "d": {"autoencoder": "e"}, "e": {}}
    assert built_on(cards, {"a"}) == {"a", "b", "c"}


def test_without_a_patient_of_a_small_class_folds_are_known_to_be_impossible(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    clone.set(split={"folds": [0, 1, 2, 3]})
    study = Study(clone.folder)
    problem = infeasible(study, find_patient(study, PATIENT))
    assert problem is not None
    assert "has 3 patients, fewer than the 4 folds of split.folds" in problem
    assert infeasible(Study(phantom.folder), find_patient(study, PATIENT)) is None


def test_a_simulated_patient_is_left_out_by_the_next_run(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    scratch = clone.folder / ".scratch/notes.txt"
    scratch.parent.mkdir()
    study = Study(clone.folder)
    image_ids = sorted(find_patient(study, PATIENT).image_ids)
    scratch.write_text(f"look at {image_ids[0]}")
    text = "\n".join(withdraw(study, PATIENT, applying=True))
    assert "data/raw/phantom is made anew by `simulate`" in text
    assert ".scratch: 1 files, .scratch/notes.txt" in text
    tombstones = json.loads((clone.folder / "data/withdrawn.json").read_text())
    assert [sorted(one) for one in tombstones] == [["images", "pixel_hashes", "withdrawn"]]
    assert tombstones[0]["images"] == len(tombstones[0]["pixel_hashes"]) == 2
    assert PATIENT not in (clone.folder / "data/withdrawn.json").read_text()

    result = clone.run("dvc", "repro", "check_folds")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert ran(result.stdout) == GATED == rerun(study)[: len(GATED)]
    for folder in ("data/scans", "data/crops"):
        manifest = read_manifest(clone.folder / folder)
        assert len(manifest) == 14
        assert PATIENT not in set(manifest["patient_id"])
        assert not [path for path in (clone.folder / folder).rglob("*") if path.stem in image_ids]
    assert not set(image_ids) & set(read_folds(clone.folder / "data/folds/folds.csv")["image_id"])

    again = "\n".join(withdraw(Study(clone.folder), PATIENT, applying=True))
    assert "on the list of withdrawn ones already" in again
    assert json.loads((clone.folder / "data/withdrawn.json").read_text()) == tombstones


def test_the_cache_is_searched_for_all_that_descends(phantom: Clone) -> None:
    study = Study(phantom.folder)
    patient = find_patient(study, PATIENT)
    hasher = Hasher()
    found = held(study, patient, {hasher.file(path) for path in files_of(patient)})
    crops = [path for path in (phantom.folder / "data/crops").rglob("*.png") if path.stem in patient.image_ids]
    assert len(crops) == 6
    assert {hasher.file(path) for path in crops} <= set(found.objects[IMAGES])
    assert set(found.objects[IMAGES]) - found.staying <= {hasher.file(path) for path in crops}
    for entry in descent(study, patient).entries:
        if entry.group == "checkpoints":
            weights = (phantom.folder / entry.path).rglob("*.safetensors")
            assert {hasher.file(path) for path in weights} <= set(found.objects[MODELS])
        if entry.group == "pools":
            images = {hasher.file(path) for path in (phantom.folder / entry.path / "images").iterdir()}
            assert images <= set(found.objects[SYNTHETIC])
        if entry.group in ("checkpoints", "pools", "scans", "crops"):
            assert hasher.digest(phantom.folder / entry.path) in found.objects[LISTINGS]
    # what nobody of theirs went into is not named
    unseen = next(path for path in (phantom.folder / "data/pools/class").iterdir() if str(path) not in str(found))
    others = {hasher.file(path) for path in (phantom.folder / "data/autoencoders/pretrained").rglob("*.safetensors")}
    assert unseen.is_dir()
    assert not others & set(found.objects[MODELS])


def test_places_that_hold_traces_are_named(phantom: Clone, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "code.json"):
        shutil.copy(phantom.folder / name, folder / name)
    patient = find_patient(Study(phantom.folder), PATIENT)
    named, other = sorted(patient.image_ids)[0], "phantom-P99-000-00000000"
    for place in ("records/ingest", "results/mine/predictions", ".scratch/wandb", "report"):
        (folder / place).mkdir(parents=True)
    (folder / "records/ingest/a.json").write_text(json.dumps({"note": other}))
    pd.DataFrame({"image_id": [other, f"{named}~00001"], "seed": [0, 1], "grade": [None, None]}).to_parquet(
        folder / "results/mine/predictions/real.parquet"
    )
    pd.DataFrame({"image_id": [other]}).to_parquet(folder / "results/mine/predictions/class.parquet")
    (folder / f".scratch/wandb/{named}.png").write_bytes(b"\x89PNG")
    (folder / "report/index.html").write_text(named)  # a stage's out: the next run makes it anew
    (folder / "report/old.html").write_text(named)
    assert traces(Study(folder), patient.image_ids) == {
        ".scratch": [f".scratch/wandb/{named}.png"],
        "results": ["results/mine/predictions/real.parquet"],
        "report": ["report/old.html"],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_leave_a_table_whose_other_bytes_stay(end: str) -> None:
    lines = ["﻿id,note", 'a,"one', 'line more"', "", "b,ü", "c,3", ""]
    content = end.join(lines).encode()
    assert without_rows(content, {0}) == end.join(["﻿id,note", "", "b,ü", "c,3", ""]).encode()
    assert without_rows(content, {1, 2}) == end.join(["﻿id,note", 'a,"one', 'line more"', "", ""]).encode()


# --- a data set of one's own below data/raw


def columns(**known: str) -> dict[str, str | None]:
    names = ("path", "label", "patient_id", "frame", "grade", "mask_path", "group_id")
    return {name: known.get(name) for name in names}


def write_data_set(folder: Path) -> None:
    """Six patients of two frames; `shared.png` is a mask of two of them; each has a folder of their own."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(6):
        name = f"K-{number}"
        (folder / name).mkdir(parents=True)
        for frame in range(2):
            write_image(folder / name / f"{frame}.png", rng.integers(0, 255, (24, 24), dtype=np.uint8))
            mask = "shared.png" if number < 2 else ""
            rows.append({"file": f"{name}/{frame}.png", "class": number % 2, "who": name, "mask": mask, "site": "a, b"})
    write_image(folder / "shared.png", np.zeros((24, 24), dtype=np.uint8))
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False, lineterminator="\r\n")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A study of such a data set, added to DVC, that has run up to ingest."""
    clone = Clone.fresh(tmp_path_factory.mktemp("table") / "clone")
    write_data_set(clone.folder / "data/raw/mine")
    known = columns(path="file", label="class", patient_id="who", mask_path="mask")
    clone.set(dataset={"kind": "table", "path": "data/raw/mine", "columns": known}, autoencoder={"mode": "scratch"})
    for command in (["dvc", "add", "data/raw/mine"], ["dvc", "repro", "ingest"]):
        result = clone.run(*command)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return clone


def test_a_patient_leaves_a_data_set_of_dvc_and_the_cache(table: Clone, tmp_path: Path) -> None:
    clone = table.copied(tmp_path / "clone")
    raw = clone.folder / "data/raw/mine"
    before = snapshot(clone.folder)
    rows = (raw / "manifest.csv").read_bytes().splitlines(keepends=True)
    theirs = {before[f"data/raw/mine/K-0/{frame}.png"] for frame in (0, 1)} | {
        md5 for name, md5 in before.items() if name.startswith("data/scans/images/mine-K-0-")
    }
    assert len(theirs) == 2  # ingest writes the same bytes
    assert all((clone.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).is_file() for md5 in theirs)
    pixels = read_image(raw / "K-0/0.png")

    text = "\n".join(withdraw(Study(clone.folder), "K-0", applying=True))
    assert "2 images with their rows were taken out" in text
    assert all(md5 in text for md5 in theirs)
    assert "git add data/withdrawn.json data/raw/mine.dvc" in text
    assert (raw / "manifest.csv").read_bytes() == b"".join([rows[0], *rows[3:]])
    assert not (raw / "K-0").exists()
    assert (raw / "shared.png").is_file()  # a mask of somebody else too
    assert sorted(path.name for path in raw.parent.iterdir()) == ["mine", "mine.dvc"]
    assert clone.run("dvc", "status", "data/raw/mine.dvc").stdout.strip() == "Data and pipelines are up to date."

    for command in (["dvc", "repro", "ingest"], ["dvc", "gc", "--workspace", "--force"]):
        result = clone.run(*command)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert set(read_manifest(clone.folder / "data/scans")["patient_id"]) == {f"K-{number}" for number in range(1, 6)}
    assert not theirs & set(snapshot(clone.folder).values())
    with pytest.raises(InputError, match="K-0: no patient of data/raw/mine; nearest are K-"):
        find_patient(Study(clone.folder), "K-0")

    # a second delivery under another name and format of the same pixels stays out as well
    write_image(raw / "again.png", pixels)
    with (raw / "manifest.csv").open("ab") as file:
        file.write(b'again.png,0,Z-9,,"a, b"\r\n')
    for command in (["dvc", "add", "data/raw/mine"], ["dvc", "repro", "ingest"]):
        result = clone.run(*command)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "1 images were withdrawn" in result.stdout
    assert "Z-9" not in set(read_manifest(clone.folder / "data/scans")["patient_id"])


def test_equal_pixels_of_somebody_else_leave_too_and_are_told(table: Clone, tmp_path: Path) -> None:
    clone = table.copied(tmp_path / "clone")
    scans = read_manifest(clone.folder / "data/scans")
    scans.loc[scans["image_id"].str.startswith("mine-K-2-000"), "pixel_hash"] = scans["pixel_hash"].iloc[0]
    scans.to_csv(clone.folder / "data/scans/manifest.csv", index=False)
    patient = find_patient(Study(clone.folder), "K-0")
    assert patient.twins == {"K-2": 1}
    assert "1 images of patient K-2 have the same pixels" in "\n".join(withdraw(Study(clone.folder), "K-0", applying=False))


@pytest.mark.parametrize("step", ["_dvc_add", "read_source"])
def test_a_step_that_fails_leaves_everything_as_it_was(
    table: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    clone = table.copied(tmp_path / "clone")
    before = snapshot(clone.folder)
    study = Study(clone.folder)
    patient = find_patient(study, "K-3")

    def refuse(*_: object) -> None:
        raise InputError("dvc add data/raw/mine: no; nothing was changed")

    monkeypatch.setattr(f"synthtrace.lineage.withdraw.{'swap' if step == '_dvc_add' else 'dataset'}.{step}", refuse)
    with pytest.raises(InputError, match="nothing was changed"):
        apply(study, patient)
    assert snapshot(clone.folder) == before


@pytest.mark.parametrize("moment", ["between the renames", "before dvc add", "after dvc add"])
def test_a_withdrawal_that_was_killed_can_be_repeated(table: Clone, tmp_path: Path, moment: str) -> None:
    clone = table.copied(tmp_path / "clone")
    tracked = clone.folder / "data/raw/mine"
    shutil.copytree(tracked, swap.aside(tracked, "old"))
    if moment == "between the renames":
        tracked.rename(swap.aside(tracked, "new"))
    else:
        shutil.rmtree(tracked / "K-4")
        (tracked / "manifest.csv").write_bytes(without_rows((tracked / "manifest.csv").read_bytes(), {8, 9}))
        if moment == "after dvc add":
            assert clone.run("dvc", "add", "data/raw/mine").returncode == 0
    assert "2 images with their rows were taken out" in "\n".join(withdraw(Study(clone.folder), "K-4", applying=True))
    assert not (tracked / "K-4").exists()
    assert sorted(path.name for path in tracked.parent.iterdir()) == ["mine", "mine.dvc"]
    assert len(json.loads((clone.folder / "data/withdrawn.json").read_text())) == 1


def test_data_outside_the_repository_are_left_alone(table: Clone, tmp_path: Path) -> None:
    clone = table.copied(tmp_path / "clone")
    outside = tmp_path / "elsewhere"
    shutil.copytree(clone.folder / "data/raw/mine", outside)
    clone.set(dataset={"path": str(outside)})
    before = snapshot(outside)
    text = "\n".join(withdraw(Study(clone.folder), "K-5", applying=True))
    assert f"{outside} lies outside the repository and is left as it is" in text
    assert snapshot(outside) == before
    assert json.loads((clone.folder / "data/withdrawn.json").read_text())[0]["images"] == 2


def test_data_that_cannot_be_read_are_withdrawn_as_far_as_scans_know_them(table: Clone, tmp_path: Path) -> None:
    clone = table.copied(tmp_path / "clone")
    shutil.rmtree(clone.folder / "data/raw/mine")
    text = "\n".join(withdraw(Study(clone.folder), "K-5", applying=True))
    assert "data/raw/mine could not be read and is left as it is" in text
    assert json.loads((clone.folder / "data/withdrawn.json").read_text())[0]["images"] == 2

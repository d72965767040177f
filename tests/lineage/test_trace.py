"""`synthtrace trace` walks back to raw scans, says whom each step saw, and does not hide a break."""

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pydot
import pytest
from edits import edited_yaml
from pipeline_clone import Clone
from rich.console import Console
from toy import dvc

from synthtrace.compare import curve_from_predictions, from_predictions
from synthtrace.errors import InputError
from synthtrace.lineage.study import Study
from synthtrace.lineage.trace.dot import dot
from synthtrace.lineage.trace.rests import rests_on
from synthtrace.lineage.trace.target import find_target, numbers
from synthtrace.lineage.trace.trace import Plain, trace
from synthtrace.lineage.trace.tree import tree_of
from synthtrace.tables import read_ledger, read_selection, write_predictions

NUMBER = "metrics/summary.json:scenarios.semantic.auc_image.mean"
IMAGE = "semantic-f0-00007"


@pytest.fixture(scope="module")
def study(phantom: Clone) -> Study:
    return Study(phantom.folder)


@pytest.fixture(scope="module")
def number(study: Study) -> Plain:
    return trace(study, NUMBER)


def printed(traced: Plain) -> list[str]:
    written = io.StringIO()
    Console(width=150, file=written).print(tree_of(traced))
    return written.getvalue().splitlines()


def test_every_walk_ends_at_what_no_stage_makes_and_every_digest_agrees(number: Plain) -> None:
    sources = {source["path"] for source in number["sources"]}
    deps = [dep for stage in number["stages"].values() for dep in stage["deps"]]
    assert {dep["path"] for dep in deps if not dep["from"]} == sources
    assert {maker["stage"] for dep in deps for maker in dep["from"]} <= set(number["stages"])
    assert {dep["agrees"] for dep in deps if dep["from"]} == {True}
    assert {stage["run"]["commit"] is not None for stage in number["stages"].values()} == {True}
    assert number["notes"] == []


def test_it_says_how_many_patients_and_images_stand_at_each_step(study: Study, number: Plain) -> None:
    counts = {out["path"]: out["counts"] for stage in number["stages"].values() for out in stage["outs"]}
    patients, images = study.manifest["patient_id"].nunique(), len(study.manifest)
    for path in ("data/raw/phantom", "data/scans", "data/crops", "data/predictions/semantic.parquet", "metrics/summary.json"):
        assert (counts[path]["patients"], counts[path]["images"]) == (patients, images), path
    folds = counts["data/folds/folds.csv"]["folds"]
    card = counts["data/generators/semantic/fold0"]
    assert card["patients"] == folds["0"]["train"]["patients"] < patients
    assert card["images"] <= folds["0"]["train"]["images"]
    kept = read_selection(study.root / "data/selected/semantic/fold0")["kept"].sum()
    assert counts["data/selected/semantic/fold0"]["kept"] == kept
    assert counts["data/pools/semantic/fold0"]["images"] == study.params.sample.images
    assert counts["data/gates/folds.json"] == {"pass": True}


def rested(study: Study, number: str) -> list[str]:
    return [out for outs in (rests_on(study, find_target(study, number)) or {}).values() for out in outs]


def test_a_number_rests_on_the_tables_it_is_computed_from(study: Study, tmp_path: Path) -> None:
    before = numbers(study, "metrics/summary.json")
    for changed in study.scenarios:
        folder = tmp_path / changed
        shutil.copytree(study.root / "data/predictions", folder)
        table = study.predictions(changed)
        table[["p0", "p1"]] = 1 - table[["p0", "p1"]]
        write_predictions(folder / f"{changed}.parquet", table)
        (tmp_path / "summary.json").write_text(json.dumps(from_predictions(folder, study.params).summary))
        after = numbers(Study(tmp_path), "summary.json")
        moved = {key for key in before if after[key] != before[key]}
        foreseen = {
            key for key in before if f"data/predictions/{changed}.parquet" in rested(study, f"metrics/summary.json:{key}")
        }
        assert f"scenarios.{changed}.auc_image.mean" in moved
        assert moved <= foreseen


def test_a_point_of_the_curve_rests_on_its_scenarios_table(study: Study, tmp_path: Path) -> None:
    before = numbers(study, "metrics/curve.json")
    for changed in study.scenarios:
        folder = tmp_path / changed
        shutil.copytree(study.root / "data/curve", folder)
        table = pd.read_parquet(folder / changed / "predictions.parquet")
        table[["p0", "p1"]] = 1 - table[["p0", "p1"]]
        table.to_parquet(folder / changed / "predictions.parquet", index=False)
        (tmp_path / "curve.json").write_text(json.dumps(curve_from_predictions(folder, study.params)[0]))
        after = numbers(Study(tmp_path), "curve.json")
        moved = {key for key in before if after[key] != before[key]}
        foreseen = {key for key in before if f"data/curve/{changed}" in rested(study, f"metrics/curve.json:{key}")}
        assert moved
        assert moved <= foreseen


def test_a_pools_figure_rests_on_that_pool_and_the_floor_on_none(study: Study) -> None:
    figures = json.loads((study.root / "metrics/fidelity.json").read_text())
    places = {(row["kind"], row["fold"]): place for place, row in enumerate(figures["pools"])}
    key = f"metrics/fidelity.json:pools.{places['class', 1]}.fd_test_resnet.value"
    assert rested(study, key) == ["data/features/fold1", "data/pools/class/fold1", "data/selected/class/fold1"]
    assert rested(study, f"metrics/fidelity.json:pools.{places['real', 0]}.images") == ["data/features/fold0"]
    kinds = [row["kind"] for row in figures["kinds"]]
    every = rested(study, f"metrics/fidelity.json:kinds.{kinds.index('semantic')}.images")
    assert set(every) == {
        f"data/{part}/fold{fold}" for part in ("features", "pools/semantic", "selected/semantic") for fold in (0, 1)
    }
    assert "sample@class-0" not in trace(study, key)["focus"]


def test_the_tree_of_a_number_shows_each_stage_once_and_fits_two_screens(number: Plain) -> None:
    lines = printed(number)
    assert len(lines) <= 2 * 60
    text = "\n".join(lines)
    assert "sample@semantic-{0,1}" in text
    assert "class" not in {word.partition("@")[2] for word in text.split()}
    assert sum("native centre crops" in line for line in lines) == 1
    assert "reads preprocess, split" in text


def test_an_image_is_told_from_its_ledger_to_the_classifiers_that_drew_it(study: Study) -> None:
    traced = trace(study, IMAGE)
    image = traced["image"]
    row = read_ledger(study.root / "data/pools/semantic/fold0").set_index("image_id").loc[IMAGE]
    assert (image["seed"], image["condition_seed"]) == (str(row["seed"]), str(row["condition_seed"]))
    assert image["checkpoint_path"] == "data/generators/semantic/fold0"
    assert image["card"]["checkpoint"] == row["checkpoint"]
    assert image["condition"]["image_id"] == row["condition_image_id"]
    assert image["condition"]["patient_id"] in image["card"]["patient_ids"]
    assert image["selection"]["path"] == "data/selected/semantic/fold0"
    drawn = pd.read_parquet(study.root / "data/classifiers/semantic/training.parquet")
    seeds = set(drawn.loc[drawn["image_id"] == IMAGE, "seed"])
    assert {training["seed"] for one in image["drawn_by"] for training in one["trainings"]} == seeds
    assert traced["made_by"] == ["sample@semantic-0"]
    assert not [name for name in traced["stages"] if name.endswith("-1")]
    assert trace(study, f"data/pools/semantic/fold0/{row['path']}")["image"] == image


@pytest.mark.parametrize(
    ("target", "stage", "told"),
    [
        ("plots/auc.csv", "compare", {}),
        ("data/generators/class/fold1/", "train_generator@class-1", {"kind": "class", "fold": 1}),
        ("data/crops/native/{real}.png", "preprocess", {"image_id": "{real}"}),
        ("data/scans/images/{real}.png", "ingest", {"image_id": "{real}"}),
        ("{real}", "preprocess", {"image_id": "{real}"}),
        ("data/raw/phantom/images/P00_F0.png", "simulate", {"patient_id": "P00"}),
    ],
)
def test_any_file_of_the_pipeline_is_traced(study: Study, target: str, stage: str, told: dict[str, str]) -> None:
    real = study.manifest["image_id"].iloc[0]
    traced = trace(study, target.format(real=real))
    assert traced["made_by"] == [stage]
    assert traced["digest"]["recorded"] == traced["digest"]["found"] is not None
    for key, value in told.items():
        assert traced["about"][key] == (value.format(real=real) if isinstance(value, str) else value)


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("metrics/summary.json:scenarios.semantic.auc_imag.mean", "metrics/summary.json:scenarios.semantic.auc_image.mean"),
        (
            "metrics/summary.json:scenarios.semantic",
            "numbers; expected one of them, such as metrics/summary.json:scenarios.sem",
        ),
        ("semantic-f0-0007", "semantic-f0-00007"),
        ("data/predictons/semantic.parquet", "data/predictions/semantic.parquet"),
        ("data/pools/semantic/fold0/images/semantic-f0-0007.png", "data/pools/semantic/fold0/images/semantic-f0-00007.png"),
        ("params.yaml", "expected a number"),
        ("", "expected a number"),
    ],
)
def test_an_unknown_target_is_named_with_the_nearest_known_ones(study: Study, target: str, nearest: str) -> None:
    with pytest.raises(InputError) as error:
        trace(study, target)
    assert str(error.value).startswith(target)
    assert nearest in str(error.value)
    assert "\n" not in str(error.value)


def test_the_graph_holds_every_stage_and_source(study: Study, number: Plain) -> None:
    for traced in (number, trace(study, IMAGE), trace(study, "src/synthtrace/stage.py")):
        graphs = pydot.graph_from_dot_data(dot(traced))
        assert graphs is not None
        names = {node.get_name().strip('"') for node in graphs[0].get_nodes()} - {"node", "edge"}
        sources = {f"{source['path']} {source['digest']}" for source in traced["sources"]}
        assert names == {"target"} | set(traced["stages"]) | sources
        linked = {end.strip('"') for edge in graphs[0].get_edges() for end in (edge.get_source(), edge.get_destination())}
        assert linked == names


def test_the_commands_print_json_and_dot_and_one_sentence_on_a_mistake(phantom: Clone, number: Plain) -> None:
    told = phantom.run("synthtrace", "trace", NUMBER, "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == number
    assert phantom.run("synthtrace", "trace", "data/scans", "--dot").stdout.startswith("digraph")
    for arguments in ([], ["nothing"], ["data/scans", "--page"], ["data/scans", "--json", "--dot"]):
        result = phantom.run("synthtrace", "trace", *arguments)
        assert result.returncode == 1
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1


def test_without_records_and_data_it_tells_what_the_lock_tells_and_says_so(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    for folder in ("records", "data/pools", "data/generators", "data/crops"):
        shutil.rmtree(clone.folder / folder)
    traced = trace(Study(clone.folder), NUMBER)
    assert {stage["run"] for stage in traced["stages"].values()} == {None}
    assert [note for note in traced["notes"] if "no record of their run" in note]
    assert [note for note in traced["notes"] if "not in the workspace (`dvc pull`" in note]
    assert "no record of the run" in "\n".join(printed(traced))


def test_a_damaged_record_or_table_is_a_note(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    next((clone.folder / "records/split").glob("*.json")).write_text("{")
    (clone.folder / "data/generators/semantic/fold0/card.json").write_text("[]")
    (clone.folder / "data/selected/semantic/fold0/selection.parquet").write_bytes(b"PAR1")
    traced = trace(Study(clone.folder), NUMBER)
    assert traced["stages"]["split"]["run"] is None
    for file in (
        "records/split/",
        "data/generators/semantic/fold0/card.json",
        "data/selected/semantic/fold0/selection.parquet",
    ):
        assert [note for note in traced["notes"] if file in note], file


def test_a_broken_chain_and_other_bytes_are_said(phantom: Clone, tmp_path: Path) -> None:
    clone = phantom.copied(tmp_path / "clone")
    with edited_yaml(clone.folder / "dvc.lock") as lock:
        dep = next(dep for dep in lock["stages"]["split"]["deps"] if dep["path"] == "data/crops/manifest.csv")
        dep["md5"] = "0" * 32
    image = clone.folder / f"data/pools/semantic/fold0/images/{IMAGE}.png"
    image.write_bytes(image.read_bytes() + b"\0")
    traced = trace(Study(clone.folder), IMAGE)
    broken = [dep["path"] for stage in traced["stages"].values() for dep in stage["deps"] if dep["agrees"] is False]
    assert broken == ["data/crops/manifest.csv"]
    assert [note for note in traced["notes"] if note.startswith("split read data/crops/manifest.csv")]
    assert traced["digest"]["recorded"] != traced["digest"]["found"]
    assert [note for note in traced["notes"] if "not those of its ledger row" in note]
    assert "not shown to be what dvc.lock stands for" in "\n".join(printed(traced))


def test_sources_are_told_by_how_they_are_kept(toy: Path) -> None:
    traced = trace(Study(toy), "metrics/sum.json")
    kept = {source["path"]: (source["kind"], source["file"]) for source in traced["sources"]}
    assert kept == {
        "data/raw/scans": ("dvc", "data/raw/scans.dvc"),
        "make.py": ("git", None),
        "../outside.csv": ("external", None),
    }
    assert trace(Study(toy), "data/raw/scans/one.png")["sources"][0]["path"] == "data/raw/scans"


def test_a_folder_of_many_outs_is_traced_by_the_digest_that_its_reader_noted(toy: Path) -> None:
    traced = trace(Study(toy), "data/parts")
    assert traced["made_by"] == ["part@0", "part@1"]
    assert traced["digest"]["recorded"] == traced["digest"]["found"]
    shutil.rmtree(toy / "data/parts")
    assert trace(Study(toy), "data/parts")["digest"]["found"] is None
    dvc(toy, "checkout", "--quiet")

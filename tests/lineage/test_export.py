"""What `synthtrace export` writes is valid by each format's own tools, the same in all three, and names no patient."""

import csv
import hashlib
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from mutation import bless, flip_byte
from PIL import Image
from pipeline_clone import Clone

from synthtrace.errors import InputError
from synthtrace.images import file_sha256, pixel_hash, read_image
from synthtrace.lineage.export.card import licence_of, public_name
from synthtrace.lineage.export.write import FORMATS, export
from synthtrace.lineage.study import Study

LICENCE = "CC-BY-4.0"


@pytest.fixture(scope="module")
def exported(phantom: Clone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All pools of the phantom study in each format."""
    folder = tmp_path_factory.mktemp("exported")
    for form in FORMATS:
        export(Study(phantom.folder), form, folder / form, [], LICENCE)
    return {form: folder / form for form in FORMATS}


def bytes_below(path: Path) -> dict[str, bytes]:
    """Bytes of every file by relative path; of a file, its own."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(files)}


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "images.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def subjects(statement: Path) -> dict[str, str]:
    return {subject["name"]: subject["digest"]["sha256"] for subject in json.loads(statement.read_text())["subject"]}


def manifests(clone: Clone) -> pd.DataFrame:
    """Every image that the study knows of, raw, whole and cropped, and whose it is."""
    found = list((clone.folder / "data").rglob("manifest.csv"))
    assert len(found) >= 2
    return pd.concat([pd.read_csv(path, dtype=str) for path in found])


def ids(clone: Clone) -> set[str]:
    rows = manifests(clone)
    return set(rows["patient_id"].dropna()) | set(rows["image_id"].dropna())


def told(path: Path, names: set[str]) -> set[str]:
    """Which of the names stand in an export as words of their own: in a text or in a file's name."""
    found = bytes_below(path)
    text = "\n".join([*found, *(content.decode() for name, content in found.items() if not name.endswith(".png"))])
    return {name for name in names if re.search(rf"\b{re.escape(name)}\b", text)}


def test_the_digests_are_those_of_the_files_and_the_same_in_all_formats(exported: dict[str, Path], phantom: Clone) -> None:
    from rocrate.rocrate import ROCrate

    stated = subjects(exported["in-toto"])
    crate = {entity.id: entity["sha256"] for entity in ROCrate(exported["ro-crate"]).data_entities if "sha256" in entity}
    croissant = json.loads((exported["croissant"] / "croissant.json").read_text())
    listed = {entry["@id"]: entry["sha256"] for entry in croissant["distribution"] if "sha256" in entry}
    listed |= {row["file"]: row["sha256"] for row in table(exported["croissant"])}
    assert stated == crate == listed
    for form, metadata in (("ro-crate", "ro-crate-metadata.json"), ("croissant", "croissant.json")):
        found = {name: hashlib.sha256(content).hexdigest() for name, content in bytes_below(exported[form]).items()}
        del found[metadata]
        assert found == stated
    ledgers = [pd.read_parquet(path) for path in (phantom.folder / "data/pools").rglob("ledger.parquet")]
    assert {digest for name, digest in stated.items() if name.startswith("images/")} <= set(pd.concat(ledgers)["file_sha256"])


def test_exactly_the_kept_images_are_exported(exported: dict[str, Path], phantom: Clone) -> None:
    selections = [pd.read_parquet(path) for path in (phantom.folder / "data/selected").rglob("selection.parquet")]
    rows = pd.concat(selections)
    assert {row["image_id"] for row in table(exported["ro-crate"])} == set(rows.loc[rows["kept"], "image_id"])


def test_rocrate_reads_the_crate(exported: dict[str, Path], phantom: Clone) -> None:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(exported["ro-crate"])
    assert crate.version == "1.2"
    assert crate.license["name"] == LICENCE
    assert crate.license.id == "https://spdx.org/licenses/CC-BY-4.0"
    committed = datetime.fromtimestamp(int(phantom.run("git", "log", "-1", "--format=%ct").stdout), UTC)
    assert crate.root_dataset["datePublished"] == committed.date().isoformat()
    files = [entity for entity in crate.data_entities if entity.type == "File"]
    assert {entity.id for entity in files} | {"ro-crate-metadata.json"} == set(bytes_below(exported["ro-crate"]))
    for entity in files:
        assert (exported["ro-crate"] / entity.id).stat().st_size == int(entity["contentSize"])
    folders = [entity for entity in crate.data_entities if entity.type == "Dataset"]
    assert sum(len(folder["hasPart"]) for folder in folders) == len(table(exported["ro-crate"]))


def test_mlcroissant_reads_records_and_images(exported: dict[str, Path]) -> None:
    import mlcroissant

    data = mlcroissant.Dataset(jsonld=exported["croissant"] / "croissant.json")
    assert data.metadata.ctx.issues.errors == set()
    assert data.metadata.license == ["https://spdx.org/licenses/CC-BY-4.0"]
    records = {record["images/image_id"].decode(): record for record in data.records("images")}
    rows = table(exported["croissant"])
    assert len(records) == len(rows)
    for row in rows:
        record = records[row["image_id"]]
        assert record["images/file"].decode() == row["file"]
        assert record["images/label"] == int(row["label"])
        assert record["images/seed"] == int(row["seed"])
        assert record["images/conditioned"] == (row["generator"] == "semantic")
        expected = read_image(exported["croissant"] / row["file"], channels=1)
        assert record["images/image"].convert("L").tobytes() == expected.tobytes()


def test_mlcroissant_refuses_an_altered_table(exported: dict[str, Path], tmp_path: Path) -> None:
    import mlcroissant

    folder = tmp_path / "altered"
    shutil.copytree(exported["croissant"], folder)
    flip_byte(folder / "images.csv", -10)
    data = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    with pytest.raises(mlcroissant.GenerationError):
        list(data.records("images"))


def test_the_statement_is_valid_and_resolves_to_the_bytes_of_the_study(exported: dict[str, Path], phantom: Clone) -> None:
    tree = json.loads(exported["in-toto"].read_text())
    Statement.copy_from_pb(ParseDict(tree, statement_pb2.Statement())).validate()
    provenance = ParseDict(tree["predicate"], Provenance())
    assert tree["predicateType"] == "https://slsa.dev/provenance/v1"
    dependencies = {entry.name: dict(entry.digest) for entry in provenance.build_definition.resolved_dependencies}
    study = Study(phantom.folder)
    weights = [name for name in dependencies if name.endswith(".safetensors")]
    assert len(weights) == 2 * len(study.kinds) * len(study.fold_numbers)
    for name in weights:
        assert dependencies[name] == {"sha256": file_sha256(phantom.folder / name)}
    assert dependencies["data/folds/folds.csv"] == {"md5": study.digest("data/folds/folds.csv")}
    assert dependencies["data/crops"] == {"dvcDirMd5": study.digest("data/crops").removesuffix(".dir")}
    assert dependencies["code.json:sample.class"] == {"sha256": study.code["sample"]["class"]}
    stages = tree["predicate"]["buildDefinition"]["externalParameters"]["stages"]
    assert stages["sample@class-1"]["command"] == "python stages/sample.py --kind class --fold 1"
    assert stages["sample@class-1"]["parameters"]["sample.steps"] == study.params.sample.steps
    assert {entry.name for entry in provenance.run_details.byproducts} >= {"W&B run of train_generator@class-0"}


def test_the_card_tells_what_was_measured_and_what_was_not(exported: dict[str, Path], phantom: Clone) -> None:
    card = json.loads((exported["croissant"] / "datacard.json").read_text())
    study = Study(phantom.folder)
    shown = [f"{metric}_test_resnet" for metric in ("fd", "kd", "precision", "recall", "f1")] + ["ms_ssim"]
    figures = json.loads((phantom.folder / "metrics/fidelity.json").read_text())
    assert card["fidelity"]["extractor"] == "test_resnet"
    for row in figures["pools"]:
        if row["label"] is None and row["part"] == "kept":
            told = card["fidelity"]["pools"][f"{row['kind']}/fold{row['fold']}"]["kept_images"]
            assert told == {name: row[name] for name in shown}
    assert card["licence"]["name"] == LICENCE
    for kind in study.kinds:
        summary = json.loads((phantom.folder / "metrics/summary.json").read_text())["scenarios"][kind]
        assert card["classification"][kind]["difference"]["ci95"] == summary["versus_real"]["ci95"]
        for fold in study.fold_numbers:
            pool = card["pools"][f"{kind}/fold{fold}"]
            training = study.folds[(study.folds["fold"] == fold) & (study.folds["role"] == "train")]
            copies = json.loads((phantom.folder / f"data/scored/{kind}/fold{fold}/copies.json").read_text())
            assert 0 < pool["training_patients"] <= training["patient_id"].nunique()
            assert 0 < pool["training_images"] <= len(training)
            assert pool["memorisation"]["copies"] == copies["copies"] == pool["candidates"] - pool["kept"]
            assert pool["memorisation"]["threshold_pixels"] == copies["pixels"]["threshold"]
    page = (exported["croissant"] / "datacard.md").read_text()
    value = card["fidelity"]["pools"]["class/fold0"]["training_images"]["fd_test_resnet"]["value"]
    assert f"{value:.4g}" in page
    assert "https://spdx.org/licenses/CC-BY-4.0" in page


@pytest.mark.parametrize("form", FORMATS)
def test_no_id_of_a_patient_or_a_real_image_leaves(exported: dict[str, Path], phantom: Clone, form: str) -> None:
    assert told(exported[form], ids(phantom)) == set()
    assert str(phantom.folder).encode() not in b"".join(bytes_below(exported[form]).values())


def test_image_files_hold_pixels_and_no_words(exported: dict[str, Path]) -> None:
    for row in table(exported["croissant"]):
        with Image.open(exported["croissant"] / row["file"]) as image:
            assert image.info == {}


def test_an_id_that_did_leave_would_be_seen(exported: dict[str, Path], phantom: Clone, tmp_path: Path) -> None:
    planted = {sorted(ids(phantom))[0], sorted(ids(phantom))[-1]}
    shutil.copytree(exported["croissant"], tmp_path / "out")
    with open(tmp_path / "out/datacard.md", "a", encoding="utf-8") as page:
        page.write("seen: " + ", ".join(f"x-{name}." for name in sorted(planted)))
    assert planted <= told(tmp_path / "out", ids(phantom))


@pytest.mark.parametrize("form", FORMATS)
def test_of_a_real_data_set_neither_ids_nor_its_place_leave(byra: Clone, tmp_path: Path, form: str) -> None:
    study = Study(byra.folder)
    export(study, form, tmp_path / "out", [], None)
    assert told(tmp_path / "out", ids(byra)) == set()
    assert study.params.dataset.path.encode() not in b"".join(bytes_below(tmp_path / "out").values())


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_study_gives_the_same_bytes(exported: dict[str, Path], phantom: Clone, tmp_path: Path, form: str) -> None:
    (tmp_path / "again").mkdir()
    if form == "in-toto":
        (tmp_path / "again").rmdir()
    export(Study(phantom.folder), form, tmp_path / "again", [], LICENCE)
    assert bytes_below(tmp_path / "again") == bytes_below(exported[form])


def test_one_pool_alone(phantom: Clone, tmp_path: Path) -> None:
    result = phantom.run("synthtrace", "export", "--format", "ro-crate", "--pool", "class/fold1", str(tmp_path / "out"))
    assert result.returncode == 0, result.stderr
    assert {row["generator"] + row["fold"] for row in table(tmp_path / "out")} == {"class1"}
    assert "no licence declared" in result.stdout
    assert "no licence declared" in (tmp_path / "out/datacard.md").read_text()
    assert list(json.loads((tmp_path / "out/datacard.json").read_text())["classification"]) == ["class"]


@pytest.mark.parametrize(
    ("form", "pools", "licence", "expected"),
    [
        ("zip", [], None, "--format: found 'zip'"),
        ("croissant", ["class/fold9"], None, "no pool 'class/fold9'"),
        ("croissant", ["class"], None, "expected KIND/foldK"),
        ("in-toto", [], "CC-BY-4", "--licence: found 'CC-BY-4'"),
    ],
)
def test_what_is_unknown_is_refused_in_a_sentence(
    phantom: Clone, tmp_path: Path, form: str, pools: list[str], licence: str | None, expected: str
) -> None:
    with pytest.raises(InputError, match=re.escape(expected)):
        export(Study(phantom.folder), form, tmp_path / "out", pools, licence)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_it_in_one_line(phantom: Clone, tmp_path: Path) -> None:
    result = phantom.run("synthtrace", "export", "--format", "croissant", "--pool", "gan/fold0", str(tmp_path / "out"))
    assert result.returncode == 1
    assert result.stderr.startswith("error: --pool: no pool 'gan/fold0' here")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_there_is_never_overwritten(phantom: Clone, tmp_path: Path, form: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(InputError, match="already there"):
        export(Study(phantom.folder), form, tmp_path / "out", [], None)
    with pytest.raises(InputError, match="no such folder"):
        export(Study(phantom.folder), form, tmp_path / "nowhere/out", [], None)
    assert bytes_below(tmp_path) == {"out/mine.txt": b"mine"}


@pytest.mark.parametrize("form", FORMATS)
def test_a_broken_export_leaves_nothing(phantom: Clone, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text" if form != "ro-crate" else "write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        export(Study(phantom.folder), form, tmp_path / "out", [], None)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def changed(phantom: Clone, tmp_path: Path) -> Clone:
    """A copy of the phantom study, to be changed."""
    return phantom.copied(tmp_path / "clone")


def refused(clone: Clone, tmp_path: Path, expected: str, *pools: str) -> None:
    with pytest.raises(InputError, match=expected):
        export(Study(clone.folder), "croissant", tmp_path / "out", list(pools), None)
    assert not (tmp_path / "out").exists()


def test_an_altered_image_is_refused(changed: Clone, tmp_path: Path) -> None:
    flip_byte(changed.folder / "data/pools/class/fold0/images/class-f0-00003.png", 40)
    refused(changed, tmp_path, r"class-f0-00003\.png: its SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}")


def test_a_missing_image_is_refused(changed: Clone, tmp_path: Path) -> None:
    (changed.folder / "data/pools/class/fold0/images/class-f0-00003.png").unlink()
    refused(changed, tmp_path, r"class-f0-00003\.png: No such file")


def test_a_missing_ledger_is_refused(changed: Clone, tmp_path: Path) -> None:
    (changed.folder / "data/pools/class/fold1/ledger.parquet").unlink()
    refused(changed, tmp_path, r"class/fold1/ledger\.parquet: no such table")


def test_another_ledger_than_the_one_locked_is_refused(changed: Clone, tmp_path: Path) -> None:
    path = changed.folder / "data/pools/class/fold1/ledger.parquet"
    ledger = pd.read_parquet(path)
    path.chmod(0o644)
    ledger.assign(seed=ledger["seed"] + 1).to_parquet(path, index=False)
    refused(changed, tmp_path, r"data/pools/class/fold1: its bytes are not those that dvc\.lock records for sample@class-1")


def test_a_real_image_in_a_pool_is_refused_even_when_blessed(changed: Clone, tmp_path: Path) -> None:
    study = Study(changed.folder)
    real = changed.folder / "data/crops" / study.manifest["path"].iloc[0]
    path = changed.folder / "data/pools/class/fold0/ledger.parquet"
    ledger = pd.read_parquet(path)
    target = path.parent / ledger.loc[0, "path"]
    for file in (path, target):
        file.chmod(0o644)
    target.write_bytes(real.read_bytes())
    ledger.loc[0, ["file_sha256", "pixel_hash"]] = [file_sha256(target), pixel_hash(read_image(target))]
    ledger.to_parquet(path, index=False)
    bless(changed)
    refused(changed, tmp_path, "has the pixels of a real image")


def test_results_of_other_images_are_not_told_of_these(changed: Clone, tmp_path: Path) -> None:
    path = changed.folder / "data/predictions/class.parquet"
    path.chmod(0o644)
    pd.read_parquet(path).iloc[::-1].to_parquet(path, index=False)
    found = export(Study(changed.folder), "in-toto", tmp_path / "out", ["class/fold0"], None).card["classification"]
    assert found == {"class": "not measured"}


def test_a_commit_is_named_only_when_it_holds_the_lock(changed: Clone, tmp_path: Path) -> None:
    def statement(name: str) -> tuple[str | None, list[dict[str, str]]]:
        card = export(Study(changed.folder), "in-toto", tmp_path / name, ["class/fold0"], None).card
        provenance = json.loads((tmp_path / name).read_text())["predicate"]["buildDefinition"]
        return card["commit"], [entry["digest"] for entry in provenance["resolvedDependencies"] if entry["name"] == "git"]

    assert statement("before") == (None, [])
    assert changed.run("git", "add", "dvc.lock").returncode == 0
    assert changed.run("git", "commit", "--quiet", "-m", "run").returncode == 0
    head = changed.run("git", "rev-parse", "HEAD").stdout.strip()
    assert statement("after") == (head, [{"gitCommit": head}])


def test_patients_are_unknown_where_the_data_set_names_none(changed: Clone, tmp_path: Path) -> None:
    lock = changed.folder / "dvc.lock"
    lock.write_text(lock.read_text().replace("dataset.patient_ids: manifest", "dataset.patient_ids: none"))
    card = export(Study(changed.folder), "in-toto", tmp_path / "out", ["class/fold0"], None).card
    assert card["pools"]["class/fold0"]["training_patients"] == "unknown: the data set has no patient ids"


def test_a_licence_is_an_spdx_identifier_or_a_url() -> None:
    assert licence_of("cc0-1.0") == {
        "name": "CC0-1.0",
        "url": "https://spdx.org/licenses/CC0-1.0",
        "text": "Licensed under CC0-1.0.",
    }
    assert licence_of("https://example.org/terms")["url"] == "https://example.org/terms"
    assert licence_of(None)["name"] == "no licence declared"
    for wrong in ("MIT OR Apache-2.0", "LicenseRef-ours", "ours", ""):
        with pytest.raises(InputError):
            licence_of(wrong)


def test_a_place_outside_the_repository_is_told_by_its_last_part() -> None:
    assert public_name("data/raw/phantom") == "data/raw/phantom"
    assert public_name("/home/someone/scans") == "scans"
    assert public_name("../scans") == "scans"
    assert public_name("~/scans") == "scans"
    assert public_name("balanced") == "balanced"

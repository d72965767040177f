"""The audit, the trace and the evidence of the segmentation study: clean on a run, and not on one that was changed."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner
from whole_study import Whole

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.folds.units import units_of
from synthtrace.images import file_sha256, pixel_hash, read_image, write_image
from synthtrace.lineage.audit import CHECKS, OF_EVIDENCE, audit
from synthtrace.lineage.find import open_run
from synthtrace.lineage.findings import Outcome
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.lineage.trace.trace import trace
from synthtrace.results import _keep
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set
from synthtrace.studies import STUDIES

KIND, SMALL_KIND, STYLED = "diff", "full_diff_n8", "styled_diff"


@pytest.fixture(scope="session")
def finished(shared) -> Whole:
    return Whole(shared("segmentation", Whole.made).folder)


@pytest.fixture
def whole(finished: Whole, tmp_path: Path) -> Whole:
    """A copy, to be changed at will."""
    return finished.copied(tmp_path / "whole")


def audited(folder: Path, *checks: str, **options: bool) -> dict[str, Outcome]:
    study = open_run(folder, **options)
    assert isinstance(study, PairStudy)
    return {outcome.id: outcome for outcome in audit(study, list(checks))}


def failures(outcome: Outcome) -> list[str]:
    return [finding.message for finding in outcome.findings if finding.severity == "fail"]


def test_a_run_is_clean_and_every_check_has_judged_it(finished: Whole) -> None:
    found = audited(finished.folder, *CHECKS, everything=True)
    assert {name: failures(outcome) for name, outcome in found.items() if outcome.status == "fail"} == {}
    assert "skip" not in {outcome.status for outcome in found.values()}
    told = " ".join(finding.message for outcome in found.values() for finding in outcome.findings)
    assert "no record" not in told
    for noted in ("values of metrics/summary.json", "values of metrics/fidelity.json", f"{STYLED}: of ", "16 gates"):
        assert noted in told


def test_a_small_set_larger_than_there_are_pairs_is_skipped_from_generator_to_table(finished: Whole) -> None:
    study = PairStudy(finished.folder)
    assert study.ledger("full_diff_n99", 0).empty
    assert json.loads((study.generator("full_diff_n99", 0) / "card.json").read_text())["models"] == {}
    summary = json.loads((finished.folder / "metrics/summary.json").read_text())
    reasons = [one["reason"] for one in summary["skipped"] if one["size"] == 99]
    training = int((study.folds["role"] == "train").sum())
    assert reasons == [f"there are {training} real training pairs, fewer than 99"] * 3


def test_scores_of_a_set_without_patients_stand_in_its_groups_of_images(whole: Whole) -> None:
    whole.set(dataset={"patient_ids": "none"})
    manifest = PairStudy(whole.folder).manifest
    units = dict(zip(manifest["image_id"], units_of(manifest, "none"), strict=True))
    paths = sorted((whole.folder / "data/predictions").glob("*.parquet"))
    for path in paths:
        table = pd.read_parquet(path)
        table.assign(group_id=table["image_id"].map(units)).to_parquet(path, index=False)

    def told() -> list[str]:
        return [message for message in failures(audited(whole.folder, "folds")["folds"]) if "stands in the group" in message]

    assert told() == []
    table = pd.read_parquet(paths[0])
    table.assign(group_id="elsewhere").to_parquet(paths[0], index=False)
    assert "'elsewhere'" in told()[0]


def test_fast_leaves_out_what_reads_images_and_says_so(finished: Whole) -> None:
    found = audited(finished.folder, "replay", "memorisation", "numbers", fast=True)
    assert [outcome.status for outcome in found.values()] == ["skip", "skip", "pass"]
    assert any("--fast" in finding.message for finding in found["numbers"].findings)


class Changed:
    """A study whose tables a mutation edits; what it writes is made to look committed where a table names digests."""

    def __init__(self, whole: Whole) -> None:
        self.whole, self.root = whole, whole.folder
        self.study = PairStudy(whole.folder)

    def place(self, kind: str, part: str) -> Path:
        return self.root / f"data/{part}/{kind}/fold0"

    def table(self, path: Path, edit: Callable[[pd.DataFrame], None]) -> None:
        table = pd.read_parquet(path)
        edit(table)
        table.to_parquet(path, index=False)

    def json(self, path: Path, edit: Callable[[dict], None]) -> None:
        tree = json.loads(path.read_text())
        edit(tree)
        path.write_text(json.dumps(tree, indent=2) + "\n")

    @property
    def test_image(self) -> str:
        folds = self.study.folds
        return str(folds.loc[folds["role"] == "test", "image_id"].iloc[0])

    @property
    def unseen(self) -> str:
        """A training pair of no small set of 8."""
        folds = self.study.folds
        train = folds.loc[folds["role"] == "train", "image_id"].tolist()
        return min(set(train) - set(small_set(train, 8, Seeds(self.study.params.seed))))

    def kept(self, kind: str) -> str:
        selection = self.study.selection(kind, 0)
        return str(selection.loc[selection["kept"], "image_id"].iloc[0])

    def put(self, kind: str, image_id: str, column: str, pixels: np.ndarray) -> None:
        """Other pixels for an image or mask, with a row that says so."""
        pool = self.place(kind, "pools")

        def edit(ledger: pd.DataFrame) -> None:
            row = ledger.index[ledger["image_id"] == image_id][0]
            digest, file = ("pixel_hash", "file_sha256") if column == "path" else ("mask_hash", "mask_sha256")
            path = pool / str(ledger.loc[row, column])
            path.unlink()
            write_image(path, pixels)
            ledger.loc[row, [digest, file]] = [pixel_hash(pixels), file_sha256(path)]

        self.table(pool / "ledger.parquet", edit)


def counterfeit_mask(changed: Changed) -> None:
    row = changed.study.ledger(KIND, 0).iloc[0]
    pixels = read_image(changed.place(KIND, "pools") / row["mask_path"]).copy()
    pixels[:4, :4] = 255 - pixels[:4, :4]
    changed.put(KIND, row["image_id"], "mask_path", pixels)


def training_pair_in_a_pool(changed: Changed) -> None:
    real = changed.study.manifest.set_index("image_id")
    image_id = changed.kept("gan")
    source = changed.study.ledger("gan", 0).set_index("image_id").loc[image_id, "condition_image_id"]
    changed.put("gan", image_id, "path", read_image(changed.root / "data/crops" / real.loc[source, "path"]))


def swapped_masks(changed: Changed) -> None:
    pool = changed.place("full_diff", "pools")
    one, other = (pool / path for path in changed.study.ledger("full_diff", 0)["mask_path"][:2])
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def stray_mask(changed: Changed) -> None:
    pool = changed.place("gan", "pools")
    shutil.copy(pool / changed.study.ledger("gan", 0)["mask_path"][0], pool / "masks/gan-f0-09999.png")


def cell(path: str, column: str, value: object, where: str | None = None) -> Callable[[Changed], None]:
    """One cell of a table gets another value: `kind` of the study's are named by a method where they must be found."""

    def change(changed: Changed) -> None:
        found = getattr(changed, value[1:]) if isinstance(value, str) and value.startswith("@") else value

        def edit(table: pd.DataFrame) -> None:
            row = table.index[table[where]][0] if where else 0
            table.loc[row, column] = not table.loc[row, column] if found == "other" else found

        changed.table(changed.root / path, edit)

    return change


def clustered_test_image(changed: Changed) -> None:
    path = changed.root / "data/clusters/fold0/clusters.csv"
    path.write_text(path.read_text() + f"{changed.test_image},0\n")


def card_with(kind: str, name: str) -> Callable[[Changed], None]:
    def change(changed: Changed) -> None:
        image_id = getattr(changed, name)

        def edit(card: dict) -> None:
            model = next(iter(card["models"].values()))
            for ids in (model["given"], model["image_ids"], card["image_ids"]):
                ids.append(image_id)
                ids.sort()
            rows = changed.study.folds.set_index("image_id").loc[card["image_ids"], "patient_id"]
            card["patient_ids"] = sorted(set(rows.astype(str)))

        changed.json(changed.place(kind, "generators") / "card.json", edit)

    return change


def squashed_otherwise(changed: Changed) -> None:
    path = changed.root / "data/crops/manifest.csv"
    manifest = pd.read_csv(path, dtype=str, keep_default_na=False)
    mask = changed.root / "data/crops" / manifest.loc[0, "mask_path"]
    pixels = np.roll(read_image(mask), 5, axis=0)
    write_image(mask, pixels)
    manifest.loc[0, "mask_hash"] = pixel_hash(pixels)
    manifest.to_csv(path, index=False, lineterminator="\n")


def twice_scored(changed: Changed) -> None:
    path = changed.root / "data/predictions/gan.parquet"
    table = pd.read_parquet(path)
    pd.concat([table, table.iloc[:1]], ignore_index=True).to_parquet(path, index=False)


def skipped_though_it_can_be_trained(changed: Changed) -> None:
    path = changed.root / "data/segmenters/diff/skipped.csv"
    path.write_text(path.read_text() + "augment diff alpha0.5,augment,diff,False,,0.5,,False,no synthetic pair was kept\n")


def small_set_left(changed: Changed) -> None:
    """A training that none of its rows told of, of a pair that its generator did not see."""
    path = changed.root / f"data/segmenters/{SMALL_KIND}/training.parquet"
    row = {"recipe": "small full_diff 8 x3 control", "seed": 0, "fold": 0}
    ids = {"image_id": changed.unseen, "source_image_id": changed.unseen}
    pd.DataFrame([row | ids]).to_parquet(path, index=False)


def another_network_kept(changed: Changed) -> None:
    changed.json(changed.root / "data/segmenters/gan/card.json", lambda card: card["image_ids"].pop())


def without_network(changed: Changed) -> None:
    for name in ("card.json", "model.safetensors"):
        (changed.root / "data/segmenters/gan" / name).unlink()


def other_packages(changed: Changed) -> None:
    for path in (changed.root / "records/train_generator@diff").glob("*.json"):
        changed.json(path, lambda record: record["packages"].update(torch="1.0.0"))


def blessed(changed: Changed) -> None:
    """Other scores, which DVC is made to take as they are."""
    path = changed.root / "data/predictions/gan.parquet"
    table = pd.read_parquet(path)
    path.unlink()
    table.assign(iou=(table["iou"] + 0.1).clip(upper=1)).to_parquet(path, index=False)
    changed.whole.run(sys.executable, "-m", "dvc", "commit", "--force", "--quiet", "segment@gan")


def better(changed: Changed) -> None:
    def edit(summary: dict) -> None:
        summary["recipes"]["augment diff alpha0.5"]["iou"]["mean"] += 0.01

    changed.json(changed.root / "metrics/summary.json", edit)


def nearer(changed: Changed) -> None:
    def edit(fidelity: dict) -> None:
        next(row for row in fidelity["pools"] if row["kind"] == KIND)["ms_ssim"]["mean"] *= 0.9

    changed.json(changed.root / "metrics/fidelity.json", edit)


def plotted_otherwise(changed: Changed) -> None:
    path = changed.root / "plots/small.csv"
    table = pd.read_csv(path)
    table.loc[0, "mean"] += 0.1
    table.to_csv(path, index=False, lineterminator="\n")


def other_suite(changed: Changed) -> None:
    changed.json(changed.root / "metrics/quality/pools-gan.json", lambda verdict: verdict.update(suite="0" * 64))


def other_code(changed: Changed) -> None:
    changed.json(changed.root / "code.json", lambda code: code.update(sample="0" * 64))


def other_command(changed: Changed) -> None:
    path = changed.root / "dvc.lock"
    path.write_text(path.read_text().replace("sample.py --kind gan", "sample.py  --kind gan"))


MUTATIONS = {
    "a mask drawn by hand": ("replay", counterfeit_mask, "data/pools/diff/fold0/masks/"),
    "a training pair in a pool": ("memorisation", training_pair_in_a_pool, "is kept and is a copy of"),
    "a score of a candidate": (
        "memorisation",
        cell("data/scored/full_diff/fold0/candidates.parquet", "mask_distance", 77.0),
        "mask_distance 77.0, found",
    ),
    "two masks swapped": ("ledger", swapped_masks, "data/pools/full_diff/fold0/masks/"),
    "a mask without a row": ("ledger", stray_mask, "masks/gan-f0-09999.png: no row"),
    "another seed": (
        "ledger",
        cell("data/pools/styled_diff/fold0/ledger.parquet", "seed", 5),
        "seed of 'styled_diff-f0-00000'",
    ),
    "another base pair": (
        "ledger",
        cell("data/pools/styled_diff/fold0/ledger.parquet", "base_image_id", "diff-f0-00099"),
        "base_image_id of 'styled_diff-f0-00000'",
    ),
    "another checkpoint": (
        "ledger",
        cell("data/pools/styled_diff/fold0/ledger.parquet", "checkpoint", "ab"),
        "which is data/generators/diff/fold0",
    ),
    "an unlike mask kept": (
        "ledger",
        cell("data/selected/diff/fold0/selection.parquet", "kept", "other"),
        "by the rule: no copy",
    ),
    "a dropped pair drawn": (
        "ledger",
        cell("data/segmenters/diff/training.parquet", "image_id", "diff-f0-77777"),
        "drew diff-f0-77777, which no row of the ledger names",
    ),
    "a recipe left out": ("ledger", skipped_though_it_can_be_trained, "found that it can be trained"),
    "a test image clustered": ("folds", clustered_test_image, "clusters.csv: has "),
    "a test image learnt": ("folds", card_with("full_diff", "test_image"), "trained on"),
    "a small set left": ("folds", card_with(SMALL_KIND, "unseen"), "expected pairs of the small set of 8"),
    "a pair painted on a test image": (
        "folds",
        cell("data/pools/gan/fold0/ledger.parquet", "condition_image_id", "@test_image"),
        "conditions came from",
    ),
    "a small pool of another pair": (
        "folds",
        cell(f"data/pools/{SMALL_KIND}/fold0/ledger.parquet", "condition_image_id", "@unseen"),
        "expected pairs of the small set of 8",
    ),
    "a test image drawn": (
        "folds",
        cell("data/segmenters/real/training.parquet", "image_id", "@test_image"),
        "expected training images of the fold",
    ),
    "a training of a small set leaves it": ("folds", small_set_left, "or made of it; expected pairs of the small set of 8"),
    "a card that leaves a pair out": ("folds", another_network_kept, "differ in "),
    "a network taken away": ("folds", without_network, "data/segmenters/gan: holds no network"),
    "a mask squashed otherwise": ("folds", squashed_otherwise, "is not what squashing makes of its scan"),
    "a test image scored twice": ("folds", twice_scored, "more than once"),
    "a training image scored": (
        "folds",
        cell("data/predictions/gan.parquet", "image_id", "@unseen"),
        "expected test images alone",
    ),
    "a better number": ("numbers", better, "recipes.augment diff alpha0.5.iou.mean is"),
    "a nearer pool": ("numbers", nearer, "ms_ssim.mean is"),
    "another plot": ("numbers", plotted_otherwise, "plots/small.csv: mean of row 1"),
    "another suite": ("gates", other_suite, "gate pools-gan: was judged by suite"),
    "another fingerprint": ("code", other_code, "sample: today's code gives the fingerprint"),
    "another torch": ("environment", other_packages, "torch 1.0.0 in the records"),
    "blessed scores": ("determinism", blessed, "gave, on the same deps and parameters, data/predictions/gan.parquet as"),
    "another command": ("pipeline", other_command, "dvc.yaml asks for"),
    "a byte": ("bytes", swapped_masks, "data/pools/full_diff/fold0/masks/"),
    "what was read": (
        "closure",
        lambda changed: (changed.root / "dvc.lock").write_text(_read_otherwise(changed.root / "dvc.lock")),
        "dvc.lock says it read data/crops/manifest.csv",
    ),
}


def _read_otherwise(path: Path) -> str:
    head, mark, tail = path.read_text().rpartition("- path: data/crops/manifest.csv")
    lines = tail.split("\n")
    lines = ["      md5: 0123456789abcdef0123456789abcdef" if "md5:" in line else line for line in lines[:4]] + lines[4:]
    return head + mark + "\n".join(lines)


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_was_changed_is_found_and_named(whole: Whole, name: str) -> None:
    check, change, told = MUTATIONS[name]
    change(Changed(whole))
    found = audited(whole.folder, check, everything=True)[check]
    assert found.status == "fail"
    assert any(told in message for message in failures(found)), failures(found)


@pytest.fixture
def evidence(whole: Whole) -> Path:
    """What a preset's run would keep, in results/polyp, with the workspace gone."""
    target = whole.top / "results/polyp"
    with contextlib.chdir(whole.folder):
        _keep(target, STUDIES["segmentation"])
    for path in (*whole.folder.glob("data/*/"), whole.folder / "metrics", whole.folder / "plots"):
        if path.name != "raw":  # where the .dvc file of the scans lies, which Git tracks
            shutil.rmtree(path)
    return target


def test_evidence_is_clean_by_itself_and_its_study_is_known_by_its_scripts(evidence: Path) -> None:
    kept = {str(path.relative_to(evidence)) for path in evidence.rglob("*") if path.is_file() and "records" not in path.parts}
    assert {"folds.csv", "predictions/real.parquet", "segmenters/gan/skipped.csv", "segmenters/gan/listing.json"} < kept
    assert not any(path.endswith((".png", "training.parquet", ".safetensors")) for path in kept)
    found = audited(evidence, *OF_EVIDENCE, evidence=True)
    assert {name: failures(outcome) for name, outcome in found.items() if outcome.status == "fail"} == {}
    assert "skip" not in {outcome.status for outcome in found.values()}
    assert found["numbers"].status == "pass"


def test_evidence_that_was_changed_is_found(evidence: Path) -> None:
    path = evidence / "predictions/gan.parquet"
    table = pd.read_parquet(path)
    table["iou"] = (table["iou"] + 0.1).clip(upper=1)
    table.to_parquet(path, index=False)
    skipped = evidence / "segmenters/gan/skipped.csv"
    skipped.write_text(skipped.read_text() + "\n")
    found = audited(evidence, "closure", "numbers", evidence=True)
    assert "predictions/gan.parquet: its bytes have" in failures(found["closure"])[0]
    assert any("segmenters/gan/skipped.csv" in message for message in failures(found["closure"]))
    assert found["numbers"].status == "fail"


def test_a_recipes_number_rests_on_its_own_scores_and_a_difference_on_those_of_real_pairs_too(finished: Whole) -> None:
    study = PairStudy(finished.folder)
    number = trace(study, "metrics/summary.json:recipes.augment diff alpha0.5.iou.mean")
    assert number["rests_on"] == ["data/predictions/diff.parquet", "data/segmenters/diff"]
    assert "train_generator@gan" in number["stages"]
    assert "train_generator@gan" not in number["focus"]
    assert {source["path"] for source in number["sources"]} >= {"data/withdrawn.json", "../../src", "../../requirements.lock"}
    difference = trace(study, "metrics/summary.json:recipes.augment diff alpha0.5.versus_real.iou.difference")
    assert "data/predictions/real.parquet" in difference["rests_on"]
    assert trace(study, "metrics/summary.json:images")["rests_on"] is None
    assert not [note for note in number["notes"] if "differ" in note or "not counted" in note]


def test_a_styled_pair_walks_back_to_its_real_pair_and_generator(finished: Whole) -> None:
    study = PairStudy(finished.folder)
    row = study.ledger(STYLED, 0).iloc[0]
    found = trace(study, f"data/pools/{STYLED}/fold0/{row['path']}")["image"]
    assert found["condition"]["image_id"] == row["condition_image_id"]
    assert found["checkpoint_path"] == "data/generators/diff/fold0"
    assert found["base_image_id"].startswith("diff-f0-")
    assert {training["scenario"] for training in found["drawn_by"]} == {STYLED}


def test_commands_take_the_study(finished: Whole) -> None:
    def said(*words: str) -> tuple[int, str]:
        with contextlib.chdir(finished.top):
            result = CliRunner().invoke(app, [*words, "--study", "segmentation"])
        return result.exit_code, result.output

    code, text = said("trace", f"{STYLED}-f0-00000")
    assert code == 0
    assert "pair of own-C" in text
    code, text = said("trace", "metrics/summary.json:recipes.full real control.iou.mean", "--dot")
    assert (code, text[:7]) == (0, "digraph")
    assert said("replay", "gan-f0-00001", f"{STYLED}-f0-00000")[0] == 0
    assert said("audit", "pipeline", "closure")[0] == 0
    code, text = said("export", "out", "--format", "croissant")
    assert code == 1
    assert "export: reads the main study's tables" in text


def test_scripts_of_an_unknown_study_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages:\n  a:\n    cmd: python ../../stages/other/a.py\n")
    with pytest.raises(InputError, match="runs the scripts of stages/other; expected those of a known study: segmentation"):
        open_run(tmp_path)

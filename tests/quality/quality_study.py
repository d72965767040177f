"""A whole study of small good files, for the tests of a gate to break in one place."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.images import file_sha256, pixel_hash, read_image, write_image
from synthtrace.params import Params, load_params
from synthtrace.quality.gate import judge
from synthtrace.quality.suites import crops, folds, pools, predictions, scans, selection
from synthtrace.tables import (
    CURVE,
    MANIFEST,
    PREDICTIONS,
    UNFILLED,
    curve_settings,
    read_candidates,
    read_curve,
    read_folds,
    read_ledger,
    read_manifest,
    read_predictions,
    read_selection,
    read_unfilled,
    write_candidates,
    write_folds,
    write_ledger,
    write_manifest,
    write_predictions,
    write_selection,
)

LABELS = ["healthy", "nafld"]
FOLDS = [0, 1]
KINDS = ["semantic", "class"]
SCENARIOS = ["real", "traditional", *KINDS]
SCAN_SIZE, CROP_SIZE, IMAGE_SIZE, MAP_CLASSES = (24, 30), 20, 16, 5
SELECTED = ["nearest_real_id", "nearest_real_distance", "copy", "kept"]
PATIENTS, FRAMES, CANDIDATES, SEEDS = 3, 2, 4, 2
DEFAULTS = load_params(Path(__file__).parents[2] / "params.yaml")
SPLIT = DEFAULTS.split.model_copy(update={"folds": FOLDS})
PARAMS = DEFAULTS.model_copy(update={"split": SPLIT, "classifier": DEFAULTS.classifier.model_copy(update={"seeds": SEEDS})})


class Study:
    """Folders data/* of a study in `root`; `edit_*` change one table in place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.noise = np.random.default_rng(5)
        self.patient_ids = "manifest"
        self.tables: dict[str, Any] = {}
        self._scans()
        self._crops()
        self._folds()
        for kind in KINDS:
            for fold in FOLDS:
                self._pool(kind, fold)
        self._predictions()

    def copied(self, root: Path) -> "Study":
        """The study whose files were copied to `root`."""
        twin = copy.copy(self)
        twin.root, twin.noise = root, np.random.default_rng(6)
        return twin

    def pixels(self, size: tuple[int, int]) -> np.ndarray:
        return self.noise.integers(20, 200, size=size, dtype=np.uint8)

    def put(self, path: str, pixels: np.ndarray) -> str:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_image(file, pixels)
        return pixel_hash(pixels)

    def _scans(self) -> None:
        rows = []
        for label, name in enumerate(LABELS):
            for patient in range(PATIENTS):
                for frame in range(FRAMES):
                    image_id = f"test-{name}{patient}-{frame}"
                    found = self.put(f"scans/images/{image_id}.png", self.pixels(SCAN_SIZE))
                    place = f"images/{image_id}.png"
                    rows.append([image_id, found, place, f"{name}{patient}", label, name, frame, "test"])
        write_manifest(self.root / "scans", pd.DataFrame(rows, columns=MANIFEST))

    def _crops(self) -> None:
        manifest = read_manifest(self.root / "scans")
        manifest["scan_pixel_hash"] = manifest["pixel_hash"]
        for row, image_id in enumerate(manifest["image_id"]):
            crop = read_image(self.root / "scans" / manifest["path"][row])[:CROP_SIZE, :CROP_SIZE]
            manifest.loc[row, "pixel_hash"] = self.put(f"crops/images/{image_id}.png", crop[:IMAGE_SIZE, :IMAGE_SIZE])
            self.put(f"crops/native/{image_id}.png", crop)
            self.put(f"crops/maps/{image_id}.png", crop % MAP_CLASSES)
        manifest["native_path"] = "native/" + manifest["image_id"] + ".png"
        manifest["map_path"] = "maps/" + manifest["image_id"] + ".png"
        write_manifest(self.root / "crops", manifest)

    def _folds(self) -> None:
        manifest = read_manifest(self.root / "crops")
        fold_of = manifest["patient_id"].str[-1].astype(int) % len(FOLDS)
        tables = [
            manifest[["image_id", "patient_id"]].assign(fold=fold, role=np.where(fold_of == fold, "test", "train"))
            for fold in FOLDS
        ]
        (self.root / "folds").mkdir()
        write_folds(self.root / "folds/folds.csv", pd.concat(tables))

    def _pool(self, kind: str, fold: int) -> None:
        manifest, table = read_manifest(self.root / "crops"), read_folds(self.root / "folds/folds.csv")
        train = table[(table["fold"] == fold) & (table["role"] == "train")]
        real = manifest[manifest["image_id"].isin(train["image_id"])].iloc[[0, -1]].reset_index(drop=True)
        rows = []
        for index in range(CANDIDATES):
            origin = real.loc[index % 2]
            image_id = f"{kind}-f{fold}-{index:05d}"
            place = f"images/{image_id}.png"
            found = self.put(f"pools/{kind}/fold{fold}/{place}", self.pixels((IMAGE_SIZE, IMAGE_SIZE)))
            rows.append(
                {
                    "image_id": image_id,
                    "pixel_hash": found,
                    "file_sha256": file_sha256(self.root / f"pools/{kind}/fold{fold}/{place}"),
                    "path": place,
                    "label": int(origin["label"]),
                    "generator": kind,
                    "fold": fold,
                    "checkpoint": "c0ffee",
                    "index": index,
                    "batch": 0,
                    "seed": 7 + index,
                    "condition_image_id": origin["image_id"] if kind == "semantic" else None,
                    "condition_seed": 11 if kind == "semantic" else None,
                    "sampler": "ddim",
                    "steps": 2,
                    "guidance_scale": 1.2,
                    "nearest_real_id": origin["image_id"],
                    "nearest_real_distance": 0.5,
                    "copy": False,
                    "kept": True,
                }
            )
        chosen, scored = (self.root / f"{place}/{kind}/fold{fold}" for place in ("selected", "scored"))
        chosen.mkdir(parents=True)
        scored.mkdir(parents=True)
        write_ledger(self.root / f"pools/{kind}/fold{fold}", pd.DataFrame(rows))
        selection = pd.DataFrame(rows)[["image_id", "label", *SELECTED]]
        write_selection(chosen, selection)
        write_candidates(scored, selection.drop(columns="kept"))

    def _predictions(self) -> None:
        manifest, table = read_manifest(self.root / "crops"), read_folds(self.root / "folds/folds.csv")
        test = table[table["role"] == "test"].merge(manifest[["image_id", "label"]], on="image_id")
        (self.root / "predictions").mkdir()
        for scenario in SCENARIOS:
            runs = [test.assign(backbone="resnet10t", mixing_rate=1.0, seed=seed) for seed in range(SEEDS)]
            rows = pd.concat(runs, ignore_index=True)
            rows["p1"] = self.noise.random(len(rows))
            rows["p0"] = 1 - rows["p1"]
            write_predictions(self.root / f"predictions/{scenario}.parquet", rows[[*PREDICTIONS, "p0", "p1"]])
        points = curve_settings(PARAMS.curve, PARAMS.classifier)
        points = points.assign(seed=[range(count) for count in points["seeds"]]).explode("seed").astype({"seed": int})
        for scenario in SCENARIOS:
            rows = points[points["scenario"] == scenario].merge(test, how="cross")
            rows["p1"] = self.noise.random(len(rows))
            rows["p0"] = 1 - rows["p1"]
            (self.root / "curve" / scenario).mkdir(parents=True)
            rows[[*CURVE, "p0", "p1"]].to_parquet(self.root / f"curve/{scenario}/predictions.parquet", index=False)
            pd.DataFrame(columns=UNFILLED).to_csv(self.root / f"curve/{scenario}/unfilled.csv", index=False)

    def edit_manifest(self, folder: str, change: Callable[[pd.DataFrame], Any]) -> None:
        self._edit(self.root / folder, read_manifest, write_manifest, change)

    def edit_folds(self, change: Callable[[pd.DataFrame], Any]) -> None:
        self._edit(self.root / "folds/folds.csv", read_folds, write_folds, change)

    def edit_ledger(self, change: Callable[[pd.DataFrame], Any], pool: str = "semantic/fold0") -> None:
        self._edit(self.root / "pools" / pool, read_ledger, write_ledger, change)

    def edit_candidates(self, change: Callable[[pd.DataFrame], Any], pool: str = "semantic/fold0") -> None:
        self._edit(self.root / "scored" / pool, read_candidates, write_candidates, change)

    def edit_selection(self, change: Callable[[pd.DataFrame], Any], pool: str = "semantic/fold0") -> None:
        self._edit(self.root / "selected" / pool, read_selection, write_selection, change)

    def edit_predictions(self, change: Callable[[pd.DataFrame], Any], scenario: str = "class") -> None:
        path = self.root / f"predictions/{scenario}.parquet"
        self._edit(path, lambda place: read_predictions(place).astype({"label": int}), write_predictions, change)

    def edit_curve(self, change: Callable[[pd.DataFrame], Any], scenario: str = "class") -> None:
        folder = self.root / "curve" / scenario

        def write(_: Path, table: pd.DataFrame) -> None:
            table.to_parquet(folder / "predictions.parquet", index=False)

        self._edit(folder, read_curve, write, change)

    def unfill(self, **point: Any) -> None:
        """Lists a point of the scenario `class` as unfilled, in both folds."""
        rows = [[point.get(name) for name in UNFILLED[:5]] + [fold, 0, 3, CANDIDATES, point.get("needed", 4)] for fold in FOLDS]
        pd.DataFrame(rows, columns=UNFILLED).to_csv(self.root / "curve/class/unfilled.csv", index=False)

    @staticmethod
    def _edit(path: Path, read: Callable, write: Callable, change: Callable[[pd.DataFrame], Any]) -> None:
        """`change` alters the table in place, or returns another."""
        table = read(path)
        changed = change(table)
        write(path, table if changed is None else changed)

    def repaint(self, folder: str, row: int, pixels: np.ndarray) -> None:
        """Other pixels for an image of scans or crops, with the hash to match."""
        manifest = read_manifest(self.root / folder)
        found = self.put(f"{folder}/{manifest['path'][row]}", pixels)
        self.edit_manifest(folder, set_cell(row, "pixel_hash", found))

    def judge(self, gate: str) -> dict[str, Any]:
        tables, suites = self.judged(gate)
        return judge(gate, "digest", tables, suites)

    def judge_changed(self, gate: str, good: "Study") -> dict[str, Any]:
        """The verdict on the tables that differ from the good study's: those that are equal are known to pass."""
        if gate not in good.tables:
            good.tables[gate] = good.judged(gate)[0]
        tables, suites = self.judged(gate)
        changed = [suite for suite in suites if not tables[suite.name].equals(good.tables[gate][suite.name])]
        return judge(gate, "digest", tables, changed)

    def judged(self, gate: str, *params: Params):
        """Tables and suites of a gate, of the predictions' with other parameters where they are given."""
        return getattr(self, f"_judge_{gate}")(*params)

    def _judge_scans(self):
        tables = scans.measure(self.root / "scans", LABELS, self.patient_ids)
        return tables, scans.suites(LABELS, self.patient_ids, SPLIT)

    def _judge_crops(self):
        tables = crops.measure(self.root / "crops", read_manifest(self.root / "scans"))
        return tables, crops.suites(CROP_SIZE, IMAGE_SIZE, 1, MAP_CLASSES)

    def _judge_folds(self):
        manifest, table = read_manifest(self.root / "crops"), read_folds(self.root / "folds/folds.csv")
        return folds.measure(manifest, table, SPLIT, self.patient_ids), folds.suites(SPLIT, self.patient_ids)

    def _judge_pools(self):
        manifest, table = read_manifest(self.root / "crops"), read_folds(self.root / "folds/folds.csv")
        tables = pools.measure(self.root / "pools", self.root / "scored", manifest, table, KINDS, LABELS)
        return tables, pools.suites(IMAGE_SIZE, 1)

    def _judge_selection(self):
        manifest, table = read_manifest(self.root / "crops"), read_folds(self.root / "folds/folds.csv")
        places = [self.root / name for name in ("pools", "scored", "selected")]
        tables = selection.measure(*places, manifest, table, "semantic", LABELS)
        return tables, selection.expected(PARAMS)

    def _judge_predictions(self, params: Params = PARAMS):
        manifest, table = read_manifest(self.root / "crops"), read_folds(self.root / "folds/folds.csv")
        found = {name: read_predictions(self.root / f"predictions/{name}.parquet") for name in SCENARIOS}
        curve = {name: read_curve(self.root / "curve" / name) for name in SCENARIOS}
        unfilled = {name: read_unfilled(self.root / "curve" / name) for name in SCENARIOS}
        return predictions.measure(found, curve, unfilled, manifest, table, params), predictions.expected(params)


def set_cell(row: int, column: str, value: Any) -> Callable[[pd.DataFrame], None]:
    """A change of one cell of a table."""

    def change(table: pd.DataFrame) -> None:
        table.loc[table.index[row], column] = value

    return change


def failed(verdict: dict[str, Any]) -> list[str]:
    """Names of the expectations that failed."""
    return [item["name"] for item in verdict["expectations"] if not item["pass"]]


def found(verdict: dict[str, Any], name: str) -> dict[str, Any]:
    """One expectation of a verdict."""
    return next(item for item in verdict["expectations"] if item["name"] == name)

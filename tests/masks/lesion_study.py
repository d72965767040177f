"""A small study of pairs, made by the phantom of lesions, for the tests of its gates to break in one place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.images import file_sha256, pixel_hash, read_image, write_image
from synthtrace.pair_tables import read_pair_ledger, write_pair_ledger
from synthtrace.params import Columns, Dataset
from synthtrace.params.lesions import SimulateLesions
from synthtrace.params.masks import Masks
from synthtrace.preprocess.pairs import write_pairs
from synthtrace.quality.gate import judge
from synthtrace.quality.suites import masks, pairs
from synthtrace.scans import read_source
from synthtrace.scans.lesions import LESIONS, simulate_lesions
from synthtrace.scans.manifest import build_manifest, check_images, write_scans
from synthtrace.scans.masks import binary_masks, check_masks
from synthtrace.seeds import Seeds
from synthtrace.tables import (
    read_folds,
    read_manifest,
    read_selection,
    write_candidates,
    write_folds,
    write_manifest,
    write_selection,
)

LABELS, KIND, SIDE = ["C1", "C2"], "diff", 32
LEGAL = Masks(empty=True, least_area=0.0005, most_area=0.8)
POOL, SCORED, CHOSEN = (f"{place}/{KIND}/fold0" for place in ("pools", "scored", "selected"))


def at_once(items, _):
    return items


class LesionStudy:
    """Folders scans, pairs, pools and selected below `root`, and folds.csv."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables: dict[str, dict[str, pd.DataFrame]] = {}

    def made(self) -> "LesionStudy":
        simulate_lesions(self.root / "raw", SimulateLesions(centres=2, images=4, empty_share=0.25), Seeds(7))
        columns = Columns(**dict.fromkeys(Columns.model_fields) | {name: name for name in LESIONS})
        path = str(self.root / "raw")
        data = Dataset(kind="table", path=path, labels=LABELS, patient_ids="manifest", columns=columns, baselines=[])
        source = binary_masks(read_source(data))
        manifest = check_masks(source, check_images(source, build_manifest(source, data), at_once), at_once)
        write_scans(source, manifest, self.root / "scans", at_once)
        manifest = read_manifest(self.root / "scans")
        write_pairs(self.root / "scans", manifest, self.root / "pairs", SIDE, 3, at_once)
        folds = manifest[["image_id", "patient_id"]].assign(fold=0, role=np.where(manifest["frame"] < 1, "test", "train"))
        write_folds(self.root / "folds.csv", folds)
        self._pool(read_manifest(self.root / "pairs")[folds["role"] == "train"].reset_index(drop=True))
        return self

    def _pool(self, real: pd.DataFrame) -> None:
        """Two candidates a training image: the image turned round."""
        pool = self.root / POOL
        (pool / "images").mkdir(parents=True)
        (pool / "masks").mkdir()
        rows = []
        for index in range(2 * len(real)):
            origin = real.loc[index % len(real)]
            image, mask = (read_image(self.root / "pairs" / origin[name]) for name in ("path", "mask_path"))
            image, mask = (image[::-1], mask[::-1]) if index < len(real) else (image[:, ::-1], mask[:, ::-1])
            file = f"{KIND}-f0-{index:05d}.png"
            write_image(pool / "images" / file, np.ascontiguousarray(image))
            write_image(pool / "masks" / file, np.ascontiguousarray(mask))
            rows.append(
                {
                    "image_id": file[:-4],
                    "pixel_hash": pixel_hash(image),
                    "file_sha256": file_sha256(pool / "images" / file),
                    "path": f"images/{file}",
                    "label": int(origin["label"]),
                    "generator": KIND,
                    "fold": 0,
                    "checkpoint": "c0ffee",
                    "index": index,
                    "batch": 0,
                    "seed": 7 + index,
                    "condition_image_id": origin["image_id"],
                    "condition_seed": 11,
                    "sampler": "ddim",
                    "steps": 2,
                    "guidance_scale": 1.0,
                    "mask_path": f"masks/{file}",
                    "mask_hash": pixel_hash(mask),
                    "mask_sha256": file_sha256(pool / "masks" / file),
                    "cluster": index % 2,
                    "nearest_real_id": origin["image_id"],
                    "nearest_real_distance": 0.5,
                    "copy": False,
                    "kept": True,
                }
            )
        selected = ["nearest_real_id", "nearest_real_distance", "copy", "kept"]
        ledger = pd.DataFrame(rows)
        write_pair_ledger(pool, ledger.drop(columns=selected))
        (self.root / CHOSEN).mkdir(parents=True)
        (self.root / SCORED).mkdir(parents=True)
        write_candidates(self.root / SCORED, ledger[["image_id", "label", *selected[:-1]]])
        write_selection(self.root / CHOSEN, ledger[["image_id", "label", *selected]])

    def edit(self, part: str, row: int, column: str, value: Any) -> None:
        """One cell of the manifest of scans or pairs, of the ledger (`pools`) or of the selection (`selected`)."""
        folder, read, write = {
            "scans": (self.root / "scans", read_manifest, write_manifest),
            "pairs": (self.root / "pairs", read_manifest, write_manifest),
            "pools": (self.root / POOL, read_pair_ledger, write_pair_ledger),
            "selected": (self.root / CHOSEN, read_selection, write_selection),
        }[part]
        table = read(folder)
        table.loc[row, column] = value
        write(folder, table)

    def file(self, part: str, row: int, column: str = "mask_path") -> Path:
        folder = self.root / (POOL if part == "pools" else part)
        return folder / (read_pair_ledger if part == "pools" else read_manifest)(folder)[column][row]

    def repaint(self, part: str, row: int, mask: np.ndarray, honest: bool = True) -> None:
        """Another mask, with what the table says of it to match."""
        write_image(self.file(part, row), mask)
        if honest:
            self.edit(part, row, "mask_hash", pixel_hash(mask))
            if part == "pools":
                self.edit(part, row, "mask_sha256", file_sha256(self.file(part, row)))
            else:
                self.edit(part, row, "mask_area", np.count_nonzero(mask) / mask.size)

    def judge(self, part: str, legal: Masks = LEGAL, only: str | None = None) -> dict[str, Any]:
        """The verdict on scans, pairs or pools, or on one table of it."""
        measure, suites = self._gate(part, legal)
        return judge(part, "digest", measure(), [suite for suite in suites if only in (None, suite.name)])

    def judge_changed(self, part: str, good: "LesionStudy") -> dict[str, Any]:
        """The verdict on the tables that differ from the good study's: those that are equal are known to pass."""
        if part not in good.tables:
            good.tables[part] = good._gate(part, LEGAL)[0]()
        measure, suites = self._gate(part, LEGAL)
        tables = measure()
        return judge(part, "digest", tables, [s for s in suites if not tables[s.name].equals(good.tables[part][s.name])])

    def _gate(self, part: str, legal: Masks) -> tuple[Callable[[], dict[str, pd.DataFrame]], list]:
        if part == "scans":
            return lambda: masks.measure(self.root / "scans"), masks.suites(legal)
        if part == "pairs":
            scans = read_manifest(self.root / "scans")
            return lambda: pairs.measure_crops(self.root / "pairs", scans), pairs.crop_suites(SIDE, 3, legal)
        pools, scored, selected = (self.root / place for place in ("pools", "scored", "selected"))
        real = read_manifest(self.root / "pairs")
        folds = read_folds(self.root / "folds.csv")
        places = (pools, scored, selected, real, folds)
        return lambda: pairs.measure_pools(*places, [KIND], LABELS), pairs.pool_suites(SIDE, 3, legal)


def failed(verdict: dict[str, Any]) -> list[str]:
    """Names of the expectations that failed."""
    return [item["name"] for item in verdict["expectations"] if not item["pass"]]

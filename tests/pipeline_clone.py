"""The real pipeline in a fresh clone, shrunk: two folds, few patients, few steps."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]

SMALL: dict[str, dict[str, Any]] = {
    "simulate": {"patients": 8, "frames": 2, "prevalence": 0.5, "unlabelled_patients": 2, "unlabelled_frames": 2},
    "split": {"folds": [0, 1]},
    "autoencoder": {
        "channels": [8, 8, 8],
        "steps": 4,
        "batch_size": 4,
        "tuning": {
            "steps": 4,
            "batch_size": 4,
            "learning_rate": 1e-3,
            "classifier_weight": 0.0,
            "classifier_steps": 2,
            "classifier_batch_size": 4,
            "classifier_learning_rate": 1e-3,
        },
    },
    "features": {"backbone": "test_resnet", "steps": 3, "batch_size": 8},
    "generator": {"channels": [8, 16], "steps": 4, "batch_size": 4, "warmup_steps": 1},
    "families": {
        "class": {"label_dim": 16},
        "dit": {"patch_size": 2, "depth": 1, "heads": 2, "head_dim": 8},
        "gan": {
            "channels": [8, 8, 8, 8],
            "latent_dim": 8,
            "mapping_layers": 1,
            "steps": 4,
            "batch_size": 4,
            "learning_rate": 1e-3,
            "r1_weight": 1.0,
            "ada_target": 0.6,
            "ada_images": 100,
            "ema_decay": 0.5,
        },
        "guided": {
            "classifier_steps": 3,
            "classifier_batch_size": 4,
            "classifier_learning_rate": 1e-3,
            "guidance_scale": 1.0,
        },
    },
    "sample": {"images": 24, "batch_size": 12, "steps": 2},
    "fidelity": {"groups": 20, "pairs": 4},
    "classifier": {"backbones": ["test_resnet"], "seeds": 2, "steps": 3, "batch_size": 8},
    "curve": {
        "rates": [0.5],
        "runs": [
            {
                "backbone": "test_resnet",
                "freezing": "none",
                "balanced": False,
                "seeds": 2,
                "scenarios": ["traditional", "semantic", "class"],
                "selections": ["none"],
                "modes": ["augment"],
                "rates": None,
            }
        ],
    },
    "compare": {"bootstrap": 200},
    "explain": {"images": 1, "background": 4, "samples": 8},
    "turing": {"real": [1, 1], "synthetic": [1, 1]},
    "report": {"images_per_class": 2},
}

# of the presets for histology patches, with every kind of generator but `dit`; besides SMALL
PATCHES: dict[str, dict[str, Any]] = {
    "preprocess": {"image_size": 32},
    "split": {"subset_share": 0.25},
    "autoencoder": SMALL["autoencoder"] | {"adversarial_start": 2},
    "generator": {"kinds": ["gan", "unet", "guided"]},
    "sample": {"images": 40, "steps": 2},
    "curve": {
        "rates": [0.5],
        "runs": [
            {
                "backbone": "test_resnet",
                "freezing": "none",
                "balanced": False,
                "seeds": 1,
                "scenarios": ["traditional", "gan", "unet", "guided"],
                "selections": ["none", "realism", "class_realism+centroid"],
                "modes": ["augment", "transfer", "synthetic"],
                "rates": None,
            }
        ],
    },
}


def environment(folder: Path) -> dict[str, str]:
    """Variables under which commands run the code of a clone."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "DVC_NO_ANALYTICS": "1",
        "WANDB_MODE": "offline",
        "DVC_SITE_CACHE_DIR": str(folder.parent / f"{folder.name}-site"),
        **{f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }


class Clone:
    """A clone of this repository in a folder of its own, whose commands run its own code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = environment(folder)

    @classmethod
    def fresh(cls, folder: Path) -> "Clone":
        """A new clone, in which nothing has run."""
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(folder)], check=True)
        for path in ("dvc.lock", "metrics", "plots"):  # of the default run, which this is not
            target = folder / path
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        return cls(folder)

    def copied(self, folder: Path) -> "Clone":
        """A copy of a finished study with its cache and history, to be changed at will."""
        passing = shutil.ignore_patterns(".scratch", ".pytest_cache", "__pycache__", "tmp")
        shutil.copytree(self.folder, folder, symlinks=True, ignore=passing)
        return Clone(folder)

    def lay(self, preset: str) -> "Clone":
        """Lay a preset over the parameters."""
        result = self.run("synthtrace", "preset", preset)
        assert result.returncode == 0, result.stderr
        return self

    def set(self, **blocks: Any) -> None:
        """Change parameters; a block is merged, a value replaced."""
        path = self.folder / "params.yaml"
        tree = yaml.safe_load(path.read_text())
        for name, value in blocks.items():
            tree[name] = {**tree[name], **value} if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(tree, sort_keys=False))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone."""
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)

    def metrics(self) -> dict[str, bytes]:
        """Every file below metrics/ and its bytes."""
        files = sorted((self.folder / "metrics").rglob("*.json"))
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

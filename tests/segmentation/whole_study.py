"""The whole segmentation study, shrunk: its scripts run in turn, forked from one process, then DVC commits what they made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from synthtrace.images import read_image, write_image
from synthtrace.lineage.pipeline import read_declared
from synthtrace.params.lesions import SimulateLesions
from synthtrace.scans.lesions import simulate_lesions
from synthtrace.seeds import Seeds

PROJECT = Path(__file__).parents[2]
SMALL: dict[str, dict[str, Any]] = {
    "compute": {"device": "cpu"},
    "dataset": {"path": "data/raw/own"},
    "masks": {"least_area": 0.001, "most_area": 0.9},
    "preprocess": {"image_size": 32},
    "features": {"backbone": "test_resnet", "steps": 3, "batch_size": 8},
    "clusters": {"count": 2, "min_size": 3},
    "generators": {"kinds": ["diff", "full_diff", "gan", "full_diff_n8", "full_diff_n99"], "styled": {"styled_diff": "diff"}},
    "diffusion": {"steps": 4, "channels": [8, 16], "attention": [], "head_dim": 8},
    "inpainting": {"samples": 2, "respacing": 4, "jump_length": 2, "batch_size": 6},
    "style": {"steps": 4, "skip_timesteps": 2},
    "singan": {"min_side": 16, "channels": 4, "steps": 2},
    "sampling": {"gan_samples": 4, "styled_pairs": 4},
    "selection": {"mask_quantile": 0.01},
    "fidelity": {"draws": 2, "pairs": 10},
    "segmenter": {"encoder": "tu-test_resnet", "steps": 2, "evaluations": 1, "seeds": 2},
    # an inpainted pair has two variants, so that no segmenter of the small set's pool can be trained; 99 pairs there are not
    "mixes": {"multiples": [1, 3], "controls": [False], "small_sets": [8, 99], "small_multiples": [3]},
    "compare": {"bootstrap": 100},
    "report": {"pairs": 1},
}
# each script in a fork, so that its record lists what it alone has loaded of the project
RUN = """\
import os, runpy, sys
import diffusers, great_expectations, pandas, segmentation_models_pytorch, skimage.measure, sklearn, timm, torch
for line in sys.stdin.read().splitlines():
    child = os.fork()
    if not child:
        sys.argv[:] = line.split()[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(line)
"""


def speckled(folder: Path) -> None:
    """Lesions of which some masks are specks, so that those of networks that have learnt nothing are like some real one."""
    simulate_lesions(folder, SimulateLesions(centres=4, images=6, empty_share=0.1), Seeds(5))
    for number, share in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.6)):
        path = folder / f"masks/C{1 + number % 3}_{number // 3:03d}_mask.png"
        specks = np.kron(np.random.default_rng(number).random((32, 30)) < share, np.ones((3, 4), dtype=np.uint8))
        write_image(path, np.uint8(255) * specks if number % 2 else read_image(path) * specks)


class Whole:
    """A repository with the study in it; commands run in the study's folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = top / "studies/segmentation"

    @classmethod
    def made(cls, top: Path, **blocks: dict[str, Any]) -> "Whole":
        """Make it in a new folder and run it; `blocks` of parameters are laid over SMALL."""
        for name in ("src", "stages", "studies", "presets", "requirements.lock"):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            passing = shutil.ignore_patterns("__pycache__", "code.json", "dvc.lock", "metrics", "plots", "records", ".scratch")
            path = PROJECT / name
            shutil.copytree(path, top / name, ignore=passing) if path.is_dir() else shutil.copy(path, top)
        whole = cls(top)
        (top / ".gitignore").write_text("__pycache__/\n.scratch/\nrecords/\nreport/\n")
        whole.run("git", "init", "--quiet", at=top)
        whole.run(sys.executable, "-m", "dvc", "init", "--quiet", at=top)
        (top / ".dvcignore").write_text("*.pyc\n")
        whole.set(**SMALL)
        whole.set(**blocks)
        speckled(whole.folder / "data/raw/own")
        whole.run(sys.executable, "-m", "dvc", "add", "--quiet", "data/raw/own")
        whole.commands()
        whole.run(sys.executable, "-m", "dvc", "commit", "--force", "--quiet")
        whole.commit()
        return whole

    def copied(self, top: Path) -> "Whole":
        """A copy, to be changed at will."""
        shutil.copytree(self.top, top, symlinks=True)
        return Whole(top)

    def set(self, **blocks: dict[str, Any]) -> None:
        """Change parameters; blocks are merged."""
        path = self.folder / "params.yaml"
        tree = yaml.safe_load(path.read_text())
        for name, values in blocks.items():
            tree[name] |= values
        path.write_text(yaml.safe_dump(tree, sort_keys=False))

    def commands(self) -> None:
        """Run the command of every stage, in the order of dvc.yaml, which is that of the flow."""
        lines = [stage.cmd for stage in read_declared(self.folder).values()]
        self.run(sys.executable, "-c", RUN, text="\n".join(lines))

    def commit(self) -> None:
        """Commit what Git may track."""
        self.run("git", "add", "--all", at=self.top)
        self.run("git", "commit", "--quiet", "--message", "a run", at=self.top)

    def run(self, *command: str, at: Path | None = None, text: str | None = None) -> str:
        """Run a command in the study, or elsewhere; its output."""
        people = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {
            **os.environ,
            **people,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.top / "src"),
            "DVC_NO_ANALYTICS": "1",
            "WANDB_MODE": "offline",
            "DVC_SITE_CACHE_DIR": f"{self.top}-site",
        }
        result = subprocess.run(
            command, cwd=at or self.folder, env=environment, input=text, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result.stdout

"""Versions of the packages that can change a number, from the lock and not from the environment."""

import re
from pathlib import Path

from packaging.requirements import Requirement

from synthtrace.errors import InputError

LOCK = Path("requirements.lock")

# Import name -> distribution, of the packages whose version may change the bytes of a result. Left out on purpose: those that
# only parse parameters, talk to people or keep records (pydantic, yaml, typer, rich, tqdm, jinja2, wandb, dvc).
NUMERIC = {
    "PIL": "pillow",
    "diffusers": "diffusers",
    "great_expectations": "great-expectations",
    "lightning": "lightning",
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "shap": "shap",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "torch",
    "torch_fidelity": "torch-fidelity",
    "torchmetrics": "torchmetrics",
    "torchvision": "torchvision",
}

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==[^\\#]+", re.MULTILINE)


def numeric_distributions(imports: set[str]) -> list[str]:
    """The distributions, sorted, of the numeric packages among imported top names."""
    return sorted(NUMERIC[name] for name in imports if name in NUMERIC)


def locked_versions(lock: Path) -> dict[str, str]:
    """Version of each numeric distribution in a pip lock, of the lines whose environment marker holds here."""
    try:
        text = lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{lock}: no such file; run this in the folder that holds dvc.yaml") from None
    versions = {}
    wanted = set(NUMERIC.values())
    for line in _PINNED.finditer(text):
        if line[1].lower().replace("_", "-") not in wanted:
            continue
        requirement = Requirement(line[0].strip())
        if requirement.marker is None or requirement.marker.evaluate():
            versions[requirement.name.lower().replace("_", "-")] = str(requirement.specifier).removeprefix("==")
    return versions

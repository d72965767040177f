"""A finished study written by hand: two items of one stage, the code that they ran, and their records."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from synthtrace.fingerprint import fingerprints

FILES = {
    "requirements.lock": """\
numpy==2.0.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.1.0 ; python_full_version >= '3.12' \\
    --hash=sha256:01
torch==2.9.0 \\
    --hash=sha256:02
typer==0.16.0 \\
    --hash=sha256:03
    # via synthtrace
""",
    "src/synthtrace/__init__.py": "",
    "src/synthtrace/sums.py": "import numpy\nimport torch\n",
    "stages/add.py": "from synthtrace import sums\n",
    "params.yaml": "compute:\n  device: auto\n  threads: 1\nitems: [0, 1]\n",
    "dvc.yaml": """\
stages:
  add:
    matrix:
      item: ${items}
    cmd: python stages/add.py --item ${item.item}
    params:
      - code.json: [add]
      - compute.device
      - compute.threads
    outs: ["out${item.item}"]
""",
}
RECORD = {
    "python": "3.11.7",
    "platform": "Linux x86_64",
    "device": "cpu",
    "deterministic": True,
    "threads": 1,
    "packages": {"numpy": "2.0.0", "Torch": "2.9.0", "typer": "0.16.0", "synthtrace": "0.1.0"},
    "sources": ["src/synthtrace/__init__.py", "src/synthtrace/sums.py", "stages/add.py"],
}
ITEMS = ("add@0", "add@1")


def write(folder: Path) -> Path:
    """The study in a folder, as a run would have left it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / ".dvc").mkdir()
    code = fingerprints(folder)
    (folder / "code.json").write_text(json.dumps(code))
    params = {"params.yaml": {"compute.device": "auto", "compute.threads": 1}, "code.json": code}
    stages: dict[str, Any] = {}
    for number, name in enumerate(ITEMS):
        digest = hashlib.md5(str(number).encode()).hexdigest()
        stages[name] = {
            "cmd": f"python stages/add.py --item {number}",
            "deps": [{"path": "requirements.lock", "md5": hashlib.md5(FILES["requirements.lock"].encode()).hexdigest()}],
            "params": params,
            "outs": [{"path": f"out{number}", "md5": digest}],
        }
        path = folder / f"records/{name}/{digest}.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(RECORD))
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    return folder


def record(folder: Path, stage: str) -> Path:
    """The record of a stage's out."""
    return next((folder / "records" / stage).glob("*.json"))


def change_record(folder: Path, stage: str, **change: Any) -> None:
    """Replace values of a stage's record; None removes one, and packages are merged."""
    path = record(folder, stage)
    tree = json.loads(path.read_text())
    change["packages"] = tree["packages"] | change.get("packages", {})
    path.write_text(json.dumps({key: value for key, value in (tree | change).items() if value is not None}))

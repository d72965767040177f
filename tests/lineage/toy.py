"""A pipeline of seconds with every kind of path: imported, tracked and external leaves, folders, their parts, gathered outs."""

import json
import os
import subprocess
import sys
from pathlib import Path

from synthtrace.lineage.findings import Finding, Severity
from synthtrace.lineage.study import Study

PIPELINE = """
stages:
  make:
    cmd: python make.py
    deps: [data/raw/scans, make.py, ../outside.csv]
    params: [size]
    outs:
      - data/made
      - code.json: {cache: false}
  part:
    matrix:
      fold: ${folds}
    cmd: cp data/made/table.csv data/parts/part${item.fold}.csv
    deps: [data/made/table.csv, data/made/images]
    params:
      - code.json: [part]
    outs: ["data/parts/part${item.fold}.csv"]
  gather:
    cmd: cat data/parts/part0.csv > data/all.csv && mkdir -p metrics && echo 1 > metrics/sum.json
    deps: [data/parts]
    params: [folds]
    outs:
      - data/all.csv
      - metrics/sum.json: {cache: false}
"""

MAKE = """
import json
import os
os.makedirs("data/made/images/deep")
os.makedirs("data/parts", exist_ok=True)
for name in ("table.csv", "images/a.png", "images/b.png", "images/deep/c.png"):
    with open(f"data/made/{name}", "w") as file:
        file.write(name * 9)
with open("code.json", "w") as file:
    json.dump({"part": "1e3"}, file)
"""

FILES = {
    "dvc.yaml": PIPELINE,
    "make.py": MAKE,
    "params.yaml": "size: 1.0e-06\nfolds: [0, 1]\n",
    "data/.gitignore": "*\n!.gitignore\n!raw/\n!raw/*.dvc\n",
    "data/raw/scans/one.png": "one",
    "data/raw/scans/two.png": "two",
    "../outside.csv": "beyond the repository",
}


def build(folder: Path) -> Path:
    """Make the study in a new folder and run it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command(folder, "git", "init", "--quiet")
    dvc(folder, "init", "--quiet")
    (folder / ".dvcignore").write_text("*.pyc\n")
    dvc(folder, "add", "--quiet", "data/raw/scans")
    dvc(folder, "repro", "--quiet")
    command(folder, "git", "add", "--all")
    command(folder, "git", "commit", "--quiet", "--message", "a run")
    return folder


def command(folder: Path, *words: str) -> str:
    """Run a command there; its output."""
    people = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    site = {"DVC_SITE_CACHE_DIR": str(folder.parent / f"{folder.name}-site"), "DVC_NO_ANALYTICS": "1", "PATH": path}
    environment = {**os.environ, **people, **site}
    result = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def dvc(folder: Path, *words: str) -> str:
    """Run DVC there."""
    return command(folder, sys.executable, "-m", "dvc", *words)


def found(check: str, folder: Path, severity: Severity = "fail", evidence: bool = False) -> list[str]:
    """What a check says of the study, by severity."""
    import importlib

    findings: list[Finding] = list(importlib.import_module(f"synthtrace.lineage.checks.{check}").check(Study(folder, evidence)))
    return [finding.message for finding in findings if finding.severity == severity]


def entries(folder: Path, out: str) -> dict[str, Path]:
    """Cache objects of a folder out's files by relative path, and its `.dir` object as ''."""
    study = Study(folder)
    digest = next(stage.outs[out] for stage in study.lock.values() if out in stage.outs)
    listing = json.loads(study.cached(digest).read_bytes())
    return {"": study.cached(digest)} | {entry["relpath"]: study.cached(entry["md5"]) for entry in listing}

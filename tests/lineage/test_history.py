"""`synthtrace history`: a number over commits and experiments, told apart by data, params, code and environment."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from edits import edited_yaml
from pipeline_clone import Clone, environment
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.lineage.history.history import history

SUMMARY = "metrics/summary.json"
KEY = "scenarios.semantic.auc_image.mean"
NUMBER = f"{SUMMARY}:{KEY}"


def git(folder: Path, *arguments: str, day: int = 1) -> str:
    dates = {f"GIT_{who}_DATE": f"2026-01-{day:02d}T12:00:00+00:00" for who in ("AUTHOR", "COMMITTER")}
    result = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(folder) | dates, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def edited(folder: Path, value: float | None, change: Callable[[Any], None] = lambda lock: None) -> None:
    """Set the number (None: its scenario goes), let `change` edit the lock's stages, and let the lock name the new file."""
    tree = json.loads((folder / SUMMARY).read_text())
    if value is None:
        tree["scenarios"].pop("semantic", None)
    else:
        tree["scenarios"]["semantic"]["auc_image"]["mean"] = value
    content = json.dumps(tree).encode()
    (folder / SUMMARY).write_bytes(content)
    with edited_yaml(folder / "dvc.lock") as lock:
        change(lock["stages"])
        for out in lock["stages"]["compare"]["outs"]:
            if out["path"] == SUMMARY:
                out["md5"] = hashlib.md5(content).hexdigest()


def set_param(name: str, value: Any, *stages: str, file: str = "params.yaml") -> Callable[[Any], None]:
    def change(lock: Any) -> None:
        for stage in stages:
            assert name in lock[stage]["params"][file]
            lock[stage]["params"][file][name] = value

    return change


def set_dep(stage: str, path: str, md5: str) -> Callable[[Any], None]:
    def change(lock: Any) -> None:
        next(dep for dep in lock[stage]["deps"] if dep["path"] == path)["md5"] = md5

    return change


GENERATORS = ["pretrain_denoiser@semantic", *(f"train_generator@semantic-{fold}" for fold in (0, 1))]


@pytest.fixture(scope="module")
def repository(phantom: Clone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study's lock and numbers, committed nine times with an edit each, and an experiment as DVC keeps one."""
    folder = tmp_path_factory.mktemp("history") / "study"
    (folder / "metrics").mkdir(parents=True)
    git(folder, "init", "--quiet")
    shutil.copy(phantom.folder / SUMMARY, folder / SUMMARY)
    (folder / SUMMARY).write_text((folder / SUMMARY).read_text() + " ")

    def commit(what: str, day: int) -> None:
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", what, day=day)

    commit("numbers without a lock", 1)
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", SUMMARY):
        shutil.copy(phantom.folder / name, folder / name)
    edited(folder, 0.5)
    commit("first", 2)
    edited(folder, 0.6, set_param("generator.steps", 99, *GENERATORS))
    commit("params", 3)
    edited(folder, 0.61, set_param("generator.steps", 77, *(name.replace("semantic", "class") for name in GENERATORS)))
    commit("params of another scenario", 4)
    edited(folder, 0.62, set_param("classify", "0" * 64, "classify@semantic", file="code.json"))
    commit("code", 5)
    edited(folder, 0.63, set_param("check_folds", "0" * 64, "check_folds", file="code.json"))
    commit("code of a gate", 6)
    edited(folder, 0.64, set_dep("ingest", "data/withdrawn.json", "1" * 32))
    commit("data", 7)
    edited(folder, 0.65, set_dep("fingerprint", "requirements.lock", "2" * 32))
    commit("environment", 8)
    edited(folder, None)
    commit("no such scenario", 9)

    shutil.copy(phantom.folder / SUMMARY, folder / SUMMARY)
    edited(folder, 0.7, set_param("compare.bootstrap", 7, "compare"))
    git(folder, "add", ".")
    tree, head = git(folder, "write-tree"), git(folder, "rev-parse", "HEAD")
    experiment = git(folder, "commit-tree", tree, "-p", head, "-m", "dvc: commit experiment", day=10)
    git(folder, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/grave-bear", experiment)
    git(folder, "update-ref", "refs/exps/exec/EXEC_HEAD", experiment)  # DVC's own, no experiment
    git(folder, "reset", "--quiet", "--hard")
    return folder


def test_each_value_stands_beside_what_changed(repository: Path) -> None:
    rows = history(repository, NUMBER)
    assert [(row.revision.subject, row.value, row.changed) for row in rows] == [
        ("dvc: commit experiment", 0.7, ["params"]),
        ("no such scenario", None, []),
        ("environment", 0.65, ["environment"]),
        ("data", 0.64, ["data"]),
        ("code of a gate", 0.63, []),
        ("code", 0.62, ["code"]),
        ("params of another scenario", 0.61, []),
        ("params", 0.6, ["params"]),
        ("first", 0.5, []),
    ]
    assert rows[0].revision.name == "grave-bear"
    assert rows[0].revision.kind == "experiment"
    assert rows[0].changes == {"params": {"compare.bootstrap": [200, 7]}}
    assert rows[1].note == f"no such number in {SUMMARY}"
    assert rows[2].changes["environment"]["requirements.lock"][1] == "2" * 32
    assert rows[3].changes["data"]["data/withdrawn.json"][1] == "1" * 32
    assert rows[5].changes["code"]["classify"][1] == "0" * 64
    assert rows[7].changes == {"params": {"generator.steps": [4, 99]}}
    assert all(row.note is None for row in rows if row.value is not None)


def test_digests_are_equal_where_nothing_changed(repository: Path) -> None:
    rows = history(repository, NUMBER)
    for row, older in pairwise(rows):
        for part, digest in row.digests.items():
            assert digest is not None
            assert (digest != older.digests[part]) == (part in row.changed)


def test_a_scenario_sees_its_own_changes(repository: Path) -> None:
    changed = {row.revision.subject: row.changed for row in history(repository, NUMBER.replace("semantic", "class"))}
    assert changed["params"] == changed["code"] == []
    assert changed["params of another scenario"] == ["params"]
    assert changed["data"] == ["data"]


def test_the_workspace_stands_first_when_it_differs(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(repository, folder)
    git(folder, "checkout", "--quiet", "HEAD~1")
    assert history(folder, NUMBER)[0].revision.kind == "experiment"
    edited(folder, 0.9, set_param("seed", 1, "compare"))
    row = history(folder, NUMBER)[0]
    assert (row.revision.kind, row.value) == ("workspace", 0.9)
    assert row.changes["params"]["seed"] == [20231116, [1, 20231116]]
    (folder / SUMMARY).write_text((folder / SUMMARY).read_text().replace("0.9", "0.8"))
    assert history(folder, NUMBER)[0].note == f"{SUMMARY} is not the file that dvc.lock names"


def test_a_lock_that_cannot_be_read_is_told_and_the_others_go_on(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(repository, folder)
    (folder / "dvc.lock").write_text("stages: [")
    row, *others = history(folder, NUMBER)
    assert row.note is not None
    assert "dvc.lock: not valid YAML" in row.note
    assert str(tmp_path) not in row.note
    assert set(row.digests.values()) == {None}
    assert len(others) == 9


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (NUMBER.replace("image", "imagine"), f"nearest are {NUMBER}"),
        (f"{SUMMARY}:scenarios.real.auc_image", f"numbers, such as {SUMMARY}:scenarios.real.auc_image."),
        (SUMMARY, "expected a file and the key of a number"),
        (f"metrics/none.json:{KEY}", "no commit and no experiment holds this file"),
    ],
)
def test_a_mistyped_target_is_one_sentence(repository: Path, target: str, said: str) -> None:
    with pytest.raises(InputError, match=r"(?s)^[^\n]*$") as caught:
        history(repository, target)
    assert said in str(caught.value)


def test_outside_git_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a history of commits"):
        history(tmp_path, NUMBER)


def test_the_command_prints_a_table_or_json(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    printed = CliRunner().invoke(app, ["history", NUMBER])
    assert printed.exit_code == 0
    assert "[grave-bear]" in printed.output
    assert "generator.steps 4 -> 99" in printed.output
    tree = json.loads(CliRunner().invoke(app, ["history", NUMBER, "--json"]).output)
    assert len(tree) == 9
    assert tree[7]["changes"] == {"params": {"generator.steps": [4, 99]}}
    assert all(len(tree[0]["digests"][part]) == 64 for part in ("data", "params", "code", "environment"))


PIPELINE = """
stages:
  score:
    cmd: mkdir -p metrics && echo "{\\"size\\":" ${size} "}" > metrics/sum.json
    deps: [data.txt]
    params: [size]
    outs:
      - metrics/sum.json: {cache: false}
"""


def test_a_real_experiment_of_dvc_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "params.yaml").write_text("size: 3\n")
    (folder / "data.txt").write_text("here")
    git(folder, "init", "--quiet")
    for command in (["dvc", "init", "--quiet"], ["dvc", "repro", "--quiet"]):
        subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "three")
    command = ["dvc", "exp", "run", "--quiet", "--name", "wider", "--set-param", "size=5"]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)
    git(folder, "reset", "--quiet", "--hard")
    experiment, commit = history(folder, "metrics/sum.json:size")
    assert (experiment.revision.name, experiment.value, commit.value) == ("wider", 5, 3)
    assert experiment.changes == {"params": {"size": [3, 5]}}
    assert (commit.digests["code"], commit.digests["environment"]) == (None, None)

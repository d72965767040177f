"""A small DVC repository: one stage, four side by side, one that needs them all."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCRIPT = """\
import os, sys, time
from pathlib import Path

name, out, *deps = sys.argv[1:]
print(f"{name}: writes {out}")
with open("starts.txt", "a") as file:
    file.write(f"{name} {os.getpid()} {time.monotonic()}\\n")
time.sleep(float(os.environ.get("TOY_SLEEP", "0")) if name.startswith("side") else 0)
if Path(f"fail_{name}").exists():
    sys.exit(f"{name}: error: told to fail")
Path(out).write_text(name + "".join(Path(dep).read_text() for dep in deps))
with open("ends.txt", "a") as file:
    file.write(f"{name} {os.getpid()} {time.monotonic()}\\n")
"""


@pytest.fixture(scope="session", autouse=True)
def interrupts():
    """Let interrupts reach what tests start: a shell that runs the tests in the background makes all below it ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Toy:
    """The repository, and commands in it."""

    def __init__(self, root):
        self.root = root
        self.env = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(root.parent / "site"),
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@example.org",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@example.org",
        }

    def start(self, *command, **env):
        return subprocess.Popen(
            command, cwd=self.root, env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *command, **env):
        process = self.start(*command, **env)
        process.out, process.err = process.communicate(timeout=60)
        return process

    def lock(self):
        return (self.root / "dvc.lock").read_text()

    def times(self, file):
        lines = (self.root / file).read_text().split("\n")[:-1] if (self.root / file).exists() else []
        return {name: (int(pid), float(at)) for name, pid, at in (line.split() for line in lines)}


@pytest.fixture
def alive():
    """Whether a process id is that of a process that still runs."""

    def check(pid):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"

    return check


@pytest.fixture
def toy(pristine, tmp_path):
    shutil.copytree(pristine, tmp_path / "toy")
    return Toy(tmp_path / "toy")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("pristine") / "toy"
    (root / "stages").mkdir(parents=True)
    (root / "stages" / "toy.py").write_text(SCRIPT)
    shutil.copy(PROJECT / "params.yaml", root)
    sides = [f"side{number}" for number in range(4)]

    def stage(name, deps):
        return {
            "cmd": " ".join(["python stages/toy.py", name, f"{name}.txt", *deps]),
            "deps": ["stages/toy.py", *deps],
            "params": ["seed"],
            "outs": [f"{name}.txt"],
        }

    stages = {"first": stage("first", []), **{side: stage(side, ["first.txt"]) for side in sides}}
    stages["last"] = stage("last", [f"{side}.txt" for side in sides])
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    made = Toy(root)
    made.run("git", "init", "--quiet")
    made.run("dvc", "init", "--quiet")
    return root

"""A script run through the shim and the server behaves as under a python of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthtrace.engine import commands, shim

HERE = commands.HERE


@pytest.fixture
def server(tmp_path):
    (tmp_path / "toy_library.py").write_text(
        "import atexit, tempfile\nFOLDER = tempfile.TemporaryDirectory()\natexit.register(FOLDER.cleanup)\n"
    )
    preload = '[["decimal", ["Decimal"]], ["no_such_module", []], ["toy_library", []]]'
    server = subprocess.Popen(
        [sys.executable, "-P", HERE / "server.py", tmp_path / "socket", preload, str(os.getpid())],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "socket").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield server
    server.terminate()
    server.wait()


@pytest.fixture
def start(server, tmp_path):
    def run(source, *arguments, **options):
        (tmp_path / "script.py").write_text(source)
        command = [sys.executable, "-I", "-S", HERE / "shim.py", "script.py", *arguments]
        env = {**os.environ, shim.ADDRESS: str(tmp_path / "socket"), "TOY": "set"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=tmp_path, env=env, **pipes, **options)

    return run


def test_arguments_directory_environment_and_streams_arrive(start, tmp_path):
    source = (
        "import os, sys\n"
        "print(sys.argv, os.getcwd(), os.environ['TOY'], sys.stdin.read(), 'decimal' in sys.modules, __name__)\n"
        "print('aside', file=sys.stderr)\n"
    )
    out, err = start(source, "-x", "a b").communicate("typed", timeout=20)
    assert out == f"['script.py', '-x', 'a b'] {tmp_path} set typed True __main__\n"
    assert err == "aside\n"


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('one sentence')", 1, "one sentence\n"),
        ("raise SystemExit(None)", 0, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ],
)
def test_exit_codes_are_those_of_the_script(start, source, code, message):
    process = start(source)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (code, message)


def test_a_traceback_begins_in_the_script(start):
    process = start("def f():\n    raise ValueError('bad')\nf()\n")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err.splitlines()[1].strip() == 'File "script.py", line 3, in <module>'
    assert err.endswith("ValueError: bad\n")


def test_what_is_registered_for_the_end_runs(start):
    out, _ = start("import atexit; atexit.register(print, 'the end')").communicate(timeout=20)
    assert out == "the end\n"


def test_signals_reach_the_script_and_its_end_is_passed_back(start):
    plain = "import time\nprint('up', flush=True)\ntime.sleep(60)"
    caught = f"import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n{plain}"
    for source, number, code in [(caught, signal.SIGTERM, 7), (plain, signal.SIGTERM, -15), (plain, signal.SIGINT, -2)]:
        process = start(source)
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        process.communicate(timeout=20)
        assert process.returncode == code


def test_a_script_dies_with_its_shim_and_so_do_its_children(start, alive):
    source = (
        "import os, time\nchild = os.fork()\nif child: print(os.getpid(), child, flush=True)\ntime.sleep(60)\n"
        "open('survived', 'w')"
    )
    process = start(source)
    pids = [int(pid) for pid in process.stdout.readline().split()]
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_worker_processes_of_a_script_work(start):
    source = (
        "import multiprocessing\n"
        "def square(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool: print(pool.map(square, [1, 2, 3]))\n"
    )
    out, err = start(source).communicate(timeout=30)
    assert out == "[1, 4, 9]\n" * 2, err


def test_a_folder_that_a_library_made_at_import_outlives_scripts_and_not_the_server(start, server):
    source = "import toy_library; print(toy_library.FOLDER.name); open(toy_library.FOLDER.name + '/file', 'a')"
    first, second = (start(source).communicate(timeout=20) for _ in range(2))
    assert first == second
    folder = Path(first[0].strip())
    assert (folder / "file").exists()
    server.terminate()
    server.wait()
    assert not folder.exists()


def test_without_a_server_the_real_python_runs(tmp_path):
    env = {**os.environ, shim.ADDRESS: str(tmp_path / "nobody")}
    for arguments in (["-c", "import sys; sys.exit(5)"], [str(tmp_path / "five.py")]):
        (tmp_path / "five.py").write_text("import sys; sys.exit(5)")
        assert subprocess.run([sys.executable, "-I", "-S", HERE / "shim.py", *arguments], env=env, check=False).returncode == 5


def test_what_is_preloaded_is_what_stage_scripts_import_and_never_the_package(tmp_path):
    for name, text in {
        "src/synthtrace/__init__.py": "",
        "src/synthtrace/a.py": "def f():\n    from decimal import Decimal\n",
        "src/synthtrace/b.py": "import fractions\n",
        "stages/s.py": "import json\nfrom synthtrace.a import f\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert commands.stage_imports(tmp_path) == [("decimal", ["Decimal"]), ("json", [])]

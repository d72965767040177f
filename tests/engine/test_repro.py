"""`synthtrace repro` on a toy repository: the same as plain `dvc repro`, side by side, and clean ends."""

import signal
import time

import pytest
import yaml


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_lock_and_outputs_equal_those_of_plain_dvc_repro(toy):
    assert toy.run("dvc", "repro", "--quiet").returncode == 0
    plain, outputs = (
        toy.lock(),
        {path.name: path.read_text() for path in toy.root.glob("*.txt") if path.stem not in "startsends"},
    )
    for path in [*toy.root.glob("*.txt"), toy.root / "dvc.lock"]:
        path.unlink()
    (toy.root / "params.yaml").write_text((toy.root / "params.yaml").read_text())
    # an empty run cache: the stages must run again
    toy.run("rm", "-rf", ".dvc/cache")
    process = toy.run("synthtrace", "repro", "-j", "2")
    assert process.returncode == 0, process.out + process.err
    assert "6 ran" in process.out
    assert toy.lock() == plain
    assert {name: (toy.root / name).read_text() for name in outputs} == outputs
    assert "up to date" in toy.run("dvc", "status").out


def test_beside_a_larger_pipeline_the_order_is_still_the_same_in_every_process(toy):
    """Of a small part of a repository's stages DVC's own order changes with the hashes of their names."""
    others = {f"other{number}": {"cmd": "true", "outs": [f"other{number}.txt"]} for number in range(20)}
    (toy.root / "other").mkdir()
    (toy.root / "other/dvc.yaml").write_text(yaml.safe_dump({"stages": others}))
    code = "from synthtrace.engine.graph import Pipeline; print(Pipeline([]).names)"
    orders = {toy.run("python", "-c", code, PYTHONHASHSEED=str(seed)).out for seed in range(1, 5)}
    assert len(orders) == 1
    assert "side3" in orders.pop()


def test_ready_stages_run_side_by_side_and_never_more_than_asked(toy):
    assert toy.run("synthtrace", "repro", "-j", "2", TOY_SLEEP="0.7").returncode == 0
    starts, ends = toy.times("starts.txt"), toy.times("ends.txt")
    together = [
        sum(starts[name][1] <= starts[other][1] < ends[name][1] for name in starts)
        for other in starts
        if other.startswith("side")
    ]
    assert max(together) == 2
    assert ends["first"][1] < min(starts[f"side{number}"][1] for number in range(4))


def test_unchanged_stages_are_not_run_and_cached_ones_are_restored(toy):
    toy.run("synthtrace", "repro", "-j", "2")
    assert "6 unchanged" in toy.run("synthtrace", "repro").out
    (toy.root / "side1.txt").unlink()
    assert "1 from run cache" in toy.run("synthtrace", "repro").out


def test_targets_bring_their_upstream_alone(toy):
    process = toy.run("synthtrace", "repro", "side1")
    assert "2 ran" in process.out
    assert sorted(toy.times("starts.txt")) == ["first", "side1"]


def test_a_line_a_stage_says_what_happened_and_on_what(toy):
    process = toy.run("synthtrace", "repro", "first")
    assert process.out.splitlines()[0].split()[:2] == ["first", "ran"]
    assert "writes first.txt" in process.out.splitlines()[0]


def test_a_failed_stage_ends_the_run_and_keeps_its_siblings_work(toy):
    (toy.root / "fail_side0").touch()
    process = toy.run("synthtrace", "repro", "-j", "2", TOY_SLEEP="0.5")
    assert process.returncode == 1
    assert "side0: error: told to fail" in process.out
    assert "stage side0 failed" in process.out
    assert "side1:" in toy.lock()
    assert "side0:" not in toy.lock()
    assert "last" not in toy.times("starts.txt")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_commands_and_keeps_finished_work(toy, alive, number):
    process = toy.start("synthtrace", "repro", "-j", "2", TOY_SLEEP="60")
    wait_for(lambda: len(toy.times("starts.txt")) == 3)
    process.send_signal(number)
    out, _ = process.communicate(timeout=15)
    assert process.returncode == 130, out
    assert "first:" in toy.lock()
    assert not [pid for pid, _ in toy.times("starts.txt").values() if alive(pid)]
    assert toy.run("synthtrace", "repro", "-j", "2").returncode == 0


def test_a_killed_engine_leaves_no_orphan(toy, alive):
    process = toy.start("synthtrace", "repro", "-j", "2", TOY_SLEEP="60")
    wait_for(lambda: len(toy.times("starts.txt")) == 3)
    process.kill()
    process.communicate()
    wait_for(lambda: not [pid for pid, _ in toy.times("starts.txt").values() if alive(pid)], seconds=5)
    assert toy.run("synthtrace", "repro", "-j", "2").returncode == 0


def test_bad_parameters_and_unknown_targets_are_one_sentence(toy):
    process = toy.run("synthtrace", "repro", "nowhere")
    assert process.returncode == 1
    assert process.err.count("\n") == 1
    assert "nowhere" in process.err
    params = toy.root / "params.yaml"
    params.write_text(params.read_text().replace("mixing_rate: 1.0", "mixing_rate: 11"))
    process = toy.run("synthtrace", "repro", "-j", "2")
    assert (process.returncode, process.err.count("\n")) == (1, 1)
    assert "mixing_rate" in process.err

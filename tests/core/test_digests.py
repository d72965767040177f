"""Our digests are DVC's."""

from pathlib import Path

from dvc.repo import Repo

from synthtrace.digests import digest


def test_digests_equal_what_dvc_computes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "b.txt").write_text("b")
    (folder / "sub.txt").write_text("c")
    (folder / "ä.txt").write_text("a")
    repo = Repo.init(str(tmp_path), no_scm=True)
    (stage,) = repo.add(str(folder))
    assert digest(folder) == stage.outs[0].hash_info.value
    assert digest(folder / "sub.txt") != digest(folder / "ä.txt")

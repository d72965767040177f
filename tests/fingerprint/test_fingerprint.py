"""What changes a digest, and what does not, on a small package made by the test."""

import subprocess
import sys
from pathlib import Path

import pytest

from synthtrace.errors import InputError
from synthtrace.fingerprint import fingerprints
from synthtrace.fingerprint.packages import locked_versions

PROJECT = Path(__file__).parents[2]
LOCK = """\
numpy==2.0 ; python_full_version < '3' \\
    --hash=sha256:00
numpy==2.4 ; python_full_version >= '3' \\
    --hash=sha256:01
torch==2.9.0 \\
    --hash=sha256:02
    # via timm
"""
FILES = {
    "requirements.lock": LOCK,
    "src/synthtrace/__init__.py": "",
    "src/synthtrace/helper.py": 'def add(a, b):\n    """Sum."""\n    # why\n    return a + b\n',
    "src/synthtrace/unused.py": "X = 1\n",
    "src/synthtrace/late.py": "import numpy\n",
    "src/synthtrace/near/__init__.py": "from .inner import value\n",
    "src/synthtrace/near/inner.py": "from ..helper import add\nvalue = add(1, 2)\n",
    "src/synthtrace/scans/__init__.py": (
        'SOURCES = {"table": "synthtrace.scans.table:read", "phantom": "synthtrace.scans.phantom:read"}\n'
    ),
    "src/synthtrace/scans/table.py": "def read(): return 1\n",
    "src/synthtrace/scans/phantom.py": "def read(): return 2\n",
    "src/synthtrace/generators/__init__.py": "",
    "src/synthtrace/generators/registry.py": (
        'FAMILIES: dict[str, str] = {"class": "synthtrace.generators.unet:Net", "gan": "synthtrace.generators.gan:Net"}\n'
    ),
    "src/synthtrace/generators/unet.py": "import torch\n",
    "src/synthtrace/generators/gan.py": "import torch\nDEPTH = 3\n",
    "stages/simulate.py": "from synthtrace.scans import phantom\n",
    "stages/ingest.py": "from synthtrace.scans import SOURCES\n",
    "stages/train_generator.py": "from synthtrace.generators import registry\n",
    "stages/sample.py": "from synthtrace.generators.registry import FAMILIES\nimport synthtrace.helper\n",
    "stages/relative.py": "from synthtrace import near\n",
    "stages/waits.py": "def main():\n    from synthtrace import late\n",
    "stages/alone.py": "import json\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def changed_by(root, name, text):
    """Keys whose digest another text of a file changes; those of kinds as script.kind."""
    before = flat(fingerprints(root))
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    after = flat(fingerprints(root))
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def flat(digests):
    return {
        name: digest
        for key, value in digests.items()
        for name, digest in (
            ((f"{key}.{kind}", one) for kind, one in value.items()) if isinstance(value, dict) else [(key, value)]
        )
    }


def test_comment_docstring_and_format_leave_every_digest(root):
    text = "def add( a,b ):\n    '''Another docstring.'''\n    return (a+b)  # because\n"
    assert changed_by(root, "src/synthtrace/helper.py", text) == set()


def test_a_real_edit_changes_exactly_the_scripts_that_reach_it(root):
    text = "def add(a, b):\n    return b + a\n"
    assert changed_by(root, "src/synthtrace/helper.py", text) == {"relative", "sample.class", "sample.gan"}
    assert changed_by(root, "src/synthtrace/unused.py", "X = 2\n") == set()


def test_an_edit_of_a_script_changes_its_own_digest_alone(root):
    assert changed_by(root, "stages/alone.py", "import json, sys\n") == {"alone"}


def test_late_imports_count(root):
    assert changed_by(root, "src/synthtrace/late.py", "import numpy\nY = 1\n") == {"waits"}


def test_imports_for_type_checkers_do_not_count(root):
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from synthtrace import unused\n"
    (root / "stages/alone.py").write_text(text)
    assert changed_by(root, "src/synthtrace/unused.py", "X = 2\n") == set()


def test_a_package_that_runs_on_the_way_counts(root):
    assert changed_by(root, "src/synthtrace/generators/__init__.py", "X = 1\n") == {
        "train_generator.class",
        "train_generator.gan",
        "sample.class",
        "sample.gan",
    }


def test_a_new_family_leaves_the_others_digests(root):
    (root / "src/synthtrace/generators/dit.py").write_text("import torch\n")
    text = FILES["src/synthtrace/generators/registry.py"].replace("}", ', "dit": "synthtrace.generators.dit:Net"}')
    assert changed_by(root, "src/synthtrace/generators/registry.py", text) == {"train_generator.dit", "sample.dit"}


def test_an_edit_of_a_family_leaves_the_others_digests(root):
    changed = changed_by(root, "src/synthtrace/generators/gan.py", "import torch\nDEPTH = 4\n")
    assert changed == {"train_generator.gan", "sample.gan"}


def test_a_registry_passed_on_the_way_to_a_module_is_not_followed(root):
    assert changed_by(root, "src/synthtrace/scans/table.py", "def read(): return 3\n") == {"ingest.table"}
    assert changed_by(root, "src/synthtrace/scans/phantom.py", "def read(): return 3\n") == {"ingest.phantom", "simulate"}


def test_a_script_that_takes_a_registry_whole_depends_on_all_of_it(root):
    (root / "stages/alone.py").write_text("from synthtrace.generators.registry import FAMILIES\n")
    assert "alone" in changed_by(root, "src/synthtrace/generators/gan.py", "import torch\nDEPTH = 4\n")


def test_a_template_counts_for_the_scripts_that_reach_its_package(root):
    assert changed_by(root, "src/synthtrace/near/templates/page.html", "<p>") == {"relative"}


def test_another_locked_version_changes_the_scripts_that_import_it(root):
    changed = changed_by(root, "requirements.lock", LOCK.replace("torch==2.9.0", "torch==2.9.1"))
    assert changed == {"train_generator.class", "train_generator.gan", "sample.class", "sample.gan"}


def test_versions_are_those_of_the_marker_that_holds(root):
    assert locked_versions(root / "requirements.lock") == {"numpy": "2.4", "torch": "2.9.0"}


def test_a_syntax_error_names_the_file_and_line(root):
    (root / "src/synthtrace/helper.py").write_text("x = 1\ndef (:\n")
    with pytest.raises(InputError, match=r"helper\.py:2: not valid Python"):
        fingerprints(root)


def test_a_package_missing_in_the_lock_is_named(root):
    (root / "stages/alone.py").write_text("import skimage\n")
    with pytest.raises(InputError, match=r"no version of 'scikit-image'.*stages/alone\.py"):
        fingerprints(root)


def test_a_missing_registry_is_named(root):
    (root / "src/synthtrace/scans/__init__.py").write_text("")
    with pytest.raises(InputError, match=r"ingest\.py: expected a dict SOURCES .* in synthtrace\.scans"):
        fingerprints(root)


def test_a_missing_lock_is_named(root):
    (root / "requirements.lock").unlink()
    with pytest.raises(InputError, match=r"requirements\.lock: no such file"):
        fingerprints(root)


def test_the_project_is_fingerprinted_without_an_import_of_what_is_heavy():
    code = (
        "import sys, pathlib; from synthtrace.fingerprint import fingerprints; "
        f"found = fingerprints(pathlib.Path({str(PROJECT)!r})); "
        "print('fingerprint' in found, sorted({'torch', 'diffusers', 'lightning', 'timm', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split(maxsplit=1) == ["True", "[]\n"]

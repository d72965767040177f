import shutil

import pytest
from quality_study import Study


@pytest.fixture(scope="session")
def good_study(tmp_path_factory):
    return Study(tmp_path_factory.mktemp("good"))


@pytest.fixture
def study(good_study, tmp_path):
    """A copy of the good study, to be broken."""
    return good_study.copied(shutil.copytree(good_study.root, tmp_path / "study"))

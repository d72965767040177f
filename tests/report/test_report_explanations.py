"""SHAP values on the page: which picture, which colours, how exact."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.explain.overlay import AGAINST, FOR
from synthtrace.images import read_image
from synthtrace.report.explanations import explanations
from synthtrace.report.page import build_page

LABELS = ["healthy", "nafld"]


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_every_image_stands_beside_its_own_values(workspace):
    path = workspace / "data/explanations/values.npy"
    values = np.zeros_like(np.load(path))
    values[5, :, 0, 0], values[5, :, 0, 1] = 1, -1
    np.save(path, values)
    shown = [image for row in explanations(workspace, LABELS)["rows"] for image in row["images"]]
    listed = json.loads((workspace / "metrics/explain.json").read_text())["images"]
    assert sorted(one["note"].split(", ")[2] for one in shown) == sorted(one["image_id"] for one in listed)
    for one in shown:
        image_id = one["note"].split(", ")[2]
        pixels = read_image(workspace / f"data/explanations/images/{image_id}.png")
        assert np.array_equal(decoded(one["uri"]), pixels)
        coloured = decoded(one["overlay"])
        if image_id == listed[5]["image_id"]:
            assert (tuple(coloured[0, 0]), tuple(coloured[0, 1])) == (FOR, AGAINST)
        else:
            assert np.array_equal(coloured, np.repeat(pixels[..., None], 3, axis=2))


def test_a_row_holds_the_images_of_a_source_with_their_classes(pristine):
    rows = explanations(pristine, LABELS)["rows"]
    assert [row["source"] for row in rows] == ["real", "semantic"]
    for row in rows:
        shown = [(image["class"], image["explained"], image["probability"]) for image in row["images"]]
        assert shown == [("healthy", "nafld", "0.250")] * 2 + [("nafld", "nafld", "0.750")] * 2


def test_the_page_states_the_error_and_the_key(pristine, params):
    page = build_page(pristine, params)
    assert "miss it by 0.040 logits on average (3.1% of what they add up to), by 0.050 at most" in page
    for colour in (FOR, AGAINST):
        assert f"background: #{bytes(colour).hex()}" in page


def test_values_of_other_images_are_refused(workspace):
    path = workspace / "data/explanations/values.npy"
    np.save(path, np.load(path)[1:])
    with pytest.raises(InputError, match=r"values.npy: expected values of the 8 images .* found 7"):
        explanations(workspace, LABELS)

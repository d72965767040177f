"""Images: what is read, hashed and refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.images import load_stack, pixel_hash, read_image, write_image


def test_pixels_survive_writing_and_give_the_same_bytes(tmp_path: Path) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_image(tmp_path / "a.png", pixels)
    write_image(tmp_path / "b.png", pixels)
    assert np.array_equal(read_image(tmp_path / "a.png"), pixels)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_pixel_hash_ignores_encoding_and_sees_every_pixel_and_the_shape(tmp_path: Path) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert pixel_hash(read_image(tmp_path / "a.tif")) == pixel_hash(pixels)
    changed = pixels.copy()
    changed[3, 3] += 1
    assert len({pixel_hash(pixels), pixel_hash(changed), pixel_hash(pixels.reshape(8, 32))}) == 3


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nrubbish", b"no image"])
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.png: not a readable image"):
        read_image(tmp_path / "x.png")


def test_a_truncated_image_is_refused_by_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_image(tmp_path / "x.png", rng.integers(0, 256, (64, 64), dtype=np.uint8))
    (tmp_path / "x.png").write_bytes((tmp_path / "x.png").read_bytes()[:2000])
    with pytest.raises(InputError, match=r"x\.png: not a readable image"):
        read_image(tmp_path / "x.png")


def test_16_bit_images_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 4000, dtype=np.uint16)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match="expected an 8-bit image"):
        read_image(tmp_path / "x.png")


def test_a_stack_of_two_sizes_is_refused_by_name(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.zeros((8, 8), dtype=np.uint8))
    write_image(tmp_path / "b.png", np.zeros((8, 9), dtype=np.uint8))
    with pytest.raises(InputError, match=r"b\.png: expected size \(8, 8\), found \(8, 9\)"):
        load_stack([tmp_path / "a.png", tmp_path / "b.png"], 1)

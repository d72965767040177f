"""What readers are asked of every item."""

from typing import NamedTuple

from synthtrace.turing.key import REAL, SYNTHETIC

# paper 2, Expert Review Details, from the best to the worst
GRADES = ("good", "moderate", "poor")


class Question(NamedTuple):
    """A question, by `name` in forms and answers, its choices and the key that picks each."""

    name: str
    text: str
    choices: tuple[str, ...]
    keys: tuple[str, ...]


SOURCE = Question("answer", "Is this pair real or synthetic?", (REAL, SYNTHETIC), ("R", "S"))
IMAGE_QUALITY = Question("image_quality", "Quality of the image", GRADES, ("1", "2", "3"))
MASK_QUALITY = Question("mask_quality", "Quality of the mask", GRADES, ("4", "5", "6"))
OF_IMAGES = (SOURCE,)
# in the paper's order: what a pair is comes last, so that it colours no grade
OF_PAIRS = (IMAGE_QUALITY, MASK_QUALITY, SOURCE)
QUALITIES = (IMAGE_QUALITY, MASK_QUALITY)

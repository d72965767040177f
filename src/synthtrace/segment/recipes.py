"""The cells of paper 2's tables: which mix a network is trained on."""

from dataclasses import dataclass
from typing import Literal

from synthtrace.params.segmenter import Mixes

REAL = "real"
# of a recipe with its name in front, as the tables have it
RECIPE = ["recipe", "design", "kind", "control", "multiple", "alpha", "size", "saw_all"]
Design = Literal["full", "synthetic", "augment", "small"]


@dataclass(frozen=True)
class Recipe:
    """One mix, trained with several seeds.

    design:
        `full`: all real training pairs and no other (kind `real`, the first row of Tables 3 to 5);
        `synthetic`: `multiple` variants of each real pair, and no real one (Table 3);
        `augment`: all real pairs, an epoch adding one variant to each with probability `alpha` (Tables 4 and 5);
        `small`: `size` real pairs, and `multiple` variants of each unless the kind is `real` (Table 6).
    kind: of the pool that variants come from, or `real`.
    control: whether images are altered on the fly (`augment.control`).
    saw_all: of a small set, whether the generator saw all training pairs, as in the paper, and not those of the set alone.
    """

    design: Design
    kind: str
    control: bool
    multiple: int | None = None
    alpha: float | None = None
    size: int | None = None
    saw_all: bool = False

    @property
    def name(self) -> str:
        """Design, kind and numbers, as `small styled_diff 16 x2 control`."""
        numbers = [str(self.size)] if self.size else []
        numbers += [f"x{self.multiple}"] if self.multiple else []
        numbers += [f"alpha{self.alpha}"] if self.alpha else []
        marks = [mark for mark, on in (("control", self.control), ("saw all", self.saw_all)) if on]
        return " ".join([self.design, self.kind, *numbers, *marks])

    @property
    def pool(self) -> str:
        """The pool that its synthetic pairs come from, or `real`: what it shares with the recipes of one stage item."""
        own = self.size is not None and self.kind != REAL and not self.saw_all
        return f"{self.kind}_n{self.size}" if own else self.kind


def recipes_of(mixes: Mixes, kinds: list[str]) -> list[Recipe]:
    """Every cell of Tables 3 to 6 with pools of these kinds; Tables 3 and 6 are with control, as in the paper.

    In small sets, a generator sees the set alone; a row with a generator that saw all pairs stands behind it.
    """
    recipes = [Recipe("full", REAL, control) for control in dict.fromkeys([True, *mixes.controls])]
    recipes += [Recipe("synthetic", kind, True, multiple=multiple) for kind in kinds for multiple in mixes.multiples]
    recipes += [Recipe("augment", kind, control, alpha=mixes.alpha) for kind in kinds for control in mixes.controls]
    for size in mixes.small_sets:
        recipes.append(Recipe("small", REAL, True, size=size))
        recipes += [
            Recipe("small", kind, True, multiple=multiple, size=size, saw_all=saw_all)
            for kind in mixes.small_kinds
            for saw_all in (False, True)
            for multiple in mixes.small_multiples
        ]
    return recipes


def reference_of(recipe: Recipe) -> Recipe | None:
    """The recipe of real pairs alone that a recipe is compared with: all of them, or the same small set; null for itself."""
    if recipe.kind == REAL:
        return None
    return Recipe("small" if recipe.size else "full", REAL, recipe.control, size=recipe.size)

"""Streams are independent and named."""

import numpy as np

from synthtrace.seeds import Seeds


def test_a_stream_depends_on_its_names_and_not_on_other_calls() -> None:
    first = Seeds(1).stream("sample", "class", 0, 5).normal(size=4)
    seeds = Seeds(1)
    seeds.stream("sample", "class", 0, 4).normal(size=100)
    assert np.array_equal(seeds.stream("sample", "class", 0, 5).normal(size=4), first)


def test_other_names_or_another_root_give_another_stream() -> None:
    keys = [Seeds(1).integer("a", 1), Seeds(1).integer("a", 2), Seeds(1).integer("a", "1"), Seeds(2).integer("a", 1)]
    assert len({*keys, Seeds(1).integer("a1"), Seeds(1).integer("a", 1, 0)}) == 6


def test_integers_fit_a_signed_column() -> None:
    assert all(0 <= Seeds(3).integer("x", n) < 2**63 for n in range(200))

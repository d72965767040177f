"""What is left out as one, and whether the intervals hold what they promise."""

import numpy as np
import pytest
from scipy import stats

from synthtrace.fidelity import frechet, jackknife
from synthtrace.fidelity.jackknife import Measured, Units, together

CELL = Measured(1.0, 0.3, 4)


def test_whole_patients_are_left_out_and_deviate_from_others_of_their_class():
    names = np.array(["a", "b", "a", "c", "d", "d", "e"])
    units = Units.of(names, np.array([0, 0, 0, 1, 1, 1, 1]), most=100)
    assert units.taken.shape == (5, 7)
    for row in units.taken:
        assert len(set(names[~row])) == 1
        assert (names[row] != names[~row][0]).all()
    assert units.freedom == 5 - 2
    # classes a world apart, and no spread within either: nothing deviates
    assert units.deviation(np.where(units.stratum == units.stratum[0], 1.0, 50.0)) == 0
    assert units.deviation(np.arange(5.0)) > 0


def test_more_units_than_wanted_are_joined_within_their_class():
    labels = (np.arange(90) % 9 == 0).astype(int)
    units = Units.of(np.arange(90), labels, most=20)
    sizes = {0: [], 1: []}
    for row in units.taken:
        (label,) = set(labels[~row])
        sizes[label].append(int((~row).sum()))
    assert sizes == {0: [4] * 20, 1: [1] * 10}
    assert (~units.taken).sum(axis=0).tolist() == [1] * 90, "each image is left out once"


def test_the_deviation_of_a_mean_is_its_standard_error():
    values = np.array([1.0, 3.0, 4.0, 9.0])
    units = Units.of(np.arange(4), np.zeros(4, dtype=int), most=4)
    assert units.deviation(units.taken @ values / 3) == pytest.approx(values.std(ddof=1) / 2)


def test_a_class_with_one_patient_or_an_undefined_value_leaves_no_deviation():
    lone = Units.of(np.array(["a", "b", "c", "c"]), np.array([0, 0, 1, 1]), most=9)
    assert lone.freedom == 0
    assert lone.deviation(np.ones(3)) is None
    assert Units.of(np.array([]), np.array([], dtype=int), most=9).freedom == 0
    pair = Units.of(np.arange(2), np.zeros(2, dtype=int), most=9)
    assert pair.deviation(np.array([1.0, np.nan])) is None


def test_independent_parts_add_their_variances_with_satterthwaites_freedom():
    found = together(2.0, [(3.0, 4), (4.0, 10)])
    assert found.deviation == 5
    assert found.freedom == pytest.approx(25**2 / (9**2 / 4 + 16**2 / 10))
    assert together(2.0, [(0.0, 4), (4.0, 10)]).freedom == pytest.approx(10)
    assert together(2.0, [(3.0, 4), (None, 0)]) == Measured(2.0)
    assert together(2.0, [(0.0, 4), (0.0, 10)]).interval() == [2.0, 2.0]


def test_an_interval_is_students_cut_at_the_least_value():
    reach = stats.t.ppf(0.975, 4) * 0.3
    assert CELL.interval() == pytest.approx([1 - reach, 1 + reach])
    assert CELL.interval(least=0.9)[0] == 0.9


def test_the_mean_over_folds_takes_folds_of_a_repeat_as_independent_and_repeats_as_dependent():
    cells = [Measured(value, 0.3, 4) for value in (1.0, 2.0, 3.0, 4.0)]
    alone = jackknife.mean([cells])
    reach = stats.t.ppf(0.975, 16) * 0.3 / 2
    assert alone["mean"] == 2.5
    assert alone["ci95"] == pytest.approx([2.5 - reach, 2.5 + reach])
    wider = stats.t.ppf(0.975, 8) * 0.3 / np.sqrt(2)
    assert jackknife.mean([cells[:2], cells[2:]])["ci95"] == pytest.approx([2.5 - wider, 2.5 + wider])


def test_a_fold_without_a_value_or_an_interval_leaves_the_mean_without():
    assert jackknife.mean([[CELL, Measured(None)]]) == {"mean": None, "ci95": None}
    assert jackknife.mean([[CELL, Measured(2.0)]]) == {"mean": 1.5, "ci95": None}


PATIENTS, FRAMES, IMAGES, WIDTH = 8, 4, 60, 48


def real_and_pool(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Frames share half of their variance within a patient; the pool is shifted and narrower."""
    scale = np.geomspace(2, 0.2, WIDTH)
    habits = np.repeat(rng.normal(size=(PATIENTS, WIDTH)), FRAMES, axis=0)
    real = np.sqrt(0.5) * (habits + rng.normal(size=(PATIENTS * FRAMES, WIDTH))) * scale
    return real, (0.7 * rng.normal(size=(IMAGES, WIDTH)) + 0.5) * scale


def test_intervals_hold_the_expected_distance_where_percentiles_of_bootstrap_resamples_miss_it():
    rng = np.random.default_rng(0)
    expected = np.mean([frechet.distance(*real_and_pool(rng)) for _ in range(400)])
    patients = Units.of(np.repeat(np.arange(PATIENTS), FRAMES), np.zeros(PATIENTS * FRAMES, dtype=int), most=20)
    images = Units.of(np.arange(IMAGES), np.zeros(IMAGES, dtype=int), most=20)
    held, held_by_percentiles = [], []
    for _ in range(200):
        real, pool = real_and_pool(rng)
        parts = [
            (patients.deviation(frechet.without(real, pool, patients.taken)), patients.freedom),
            (images.deviation(frechet.without(pool, real, images.taken)), images.freedom),
        ]
        low, high = together(frechet.distance(pool, real), parts).interval(least=0)
        held.append(low <= expected <= high)
    for _ in range(40):
        real, pool = real_and_pool(rng)
        whole = real.reshape(PATIENTS, FRAMES, WIDTH)
        again = [
            frechet.distance(
                pool[rng.integers(0, IMAGES, IMAGES)], whole[rng.integers(0, PATIENTS, PATIENTS)].reshape(-1, WIDTH)
            )
            for _ in range(60)
        ]
        low, high = np.quantile(again, [0.025, 0.975])
        held_by_percentiles.append(low <= expected <= high)
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(held_by_percentiles) < 0.7

"""Accuracy, sensitivity, specificity and F1 beside the AUC, over rounds."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from synthtrace.statistics.classification import round_scores
from synthtrace.statistics.scores import scores_of

FOLDS = 5


def expected(rows, classes):
    """The metrics of scikit-learn on the images of one seed and round."""
    names = [f"p{label}" for label in range(classes)]
    truth, said = rows["label"].to_numpy(), rows[names].to_numpy().argmax(axis=1)
    average = "binary" if classes == 2 else "macro"
    shares = rows[names].to_numpy()
    if classes == 2:
        specificity = recall_score(truth, said, pos_label=0)
        area = roc_auc_score(truth, shares[:, 1])
    else:
        specificity = np.mean([recall_score(truth == label, said == label, pos_label=0) for label in range(classes)])
        area = np.mean([roc_auc_score(truth == label, shares[:, label]) for label in range(classes)])
    return {
        "auc": area,
        "accuracy": accuracy_score(truth, said),
        "sensitivity": recall_score(truth, said, average=average),
        "specificity": specificity,
        "f1": f1_score(truth, said, average=average),
    }


@pytest.mark.parametrize("patients", [{0: 12, 1: 21}, {0: 9, 1: 14, 2: 11}], ids=["two classes", "three classes"])
def test_scores_are_those_of_scikit_learn_averaged_over_seeds_within_a_round(predict, patients):
    table = predict(patients, seeds=3, repeats=2)
    found = round_scores(scores_of(table, FOLDS))
    assert list(found) == ["auc", "accuracy", "sensitivity", "specificity", "f1"]
    for index in (0, 1):
        runs = [expected(rows, len(patients)) for _, rows in table[table["fold"] // FOLDS == index].groupby("seed")]
        for name, values in found.items():
            assert values.shape == (2,)
            assert values[index] == pytest.approx(np.mean([run[name] for run in runs]), abs=1e-12)
    assert all(np.ptp(values) > 0 for values in found.values())


def test_a_classifier_that_names_one_class_alone_has_no_recall_of_the_other(predict):
    table = predict({0: 10, 1: 30}, seeds=1).assign(p0=0.9, p1=0.1)
    found = {name: values.item() for name, values in round_scores(scores_of(table, FOLDS)).items()}
    assert found == {"auc": 0.5, "accuracy": 0.25, "sensitivity": 0.0, "specificity": 1.0, "f1": 0.0}


def test_a_perfect_classifier_scores_one(predict):
    table = predict({0: 6, 1: 5, 2: 7}, seeds=2)
    for label in range(3):
        table[f"p{label}"] = (table["label"] == label) * 1.0
    assert all((values == 1).all() for values in round_scores(scores_of(table, FOLDS)).values())

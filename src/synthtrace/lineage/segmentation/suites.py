"""The suites by which the code of today judges the segmentation study's data, by gate."""

from typing import Any

from synthtrace.params.segmentation import SegmentationParams


def suites(gate: str, params: SegmentationParams) -> list[Any] | None:
    """Those of scans, crops, folds, pools, selection or predictions; None for another gate."""
    from synthtrace.quality.suites import holdout_folds, holdout_scans, masks, pairs, segmentations, selection

    size, channels = params.preprocess.image_size, params.preprocess.channels
    labels, patient_ids = params.dataset.labels, params.dataset.patient_ids
    if gate == "scans":
        return [*holdout_scans.suites(labels, patient_ids), *masks.suites(params.masks)]
    if gate == "crops":
        return pairs.crop_suites(size, channels, params.masks)
    if gate == "folds":
        return holdout_folds.suites(params.split, patient_ids)
    if gate == "pools":
        return pairs.pool_suites(size, channels, params.masks)
    if gate == "selection":
        return selection.expected(params)  # type: ignore[arg-type]
    return segmentations.suites() if gate == "predictions" else None

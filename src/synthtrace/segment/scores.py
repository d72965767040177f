"""IoU and Dice of predicted masks, image by image."""

import numpy as np
import pandas as pd

from synthtrace.segment.pairs import SegmentationSet

THRESHOLD = 0.5
METRICS = ["iou", "dice", "dice_loss"]


def iou(predicted: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(N,) intersection over union of bool masks (N, 1, S, S); 1 where both are empty."""
    both = _summed(predicted & masks)
    either = _summed(predicted | masks)
    return np.where(either == 0, 1.0, both / np.maximum(either, 1))


def dice(predicted: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(N,) Dice coefficient 2 |A and B| / (|A| + |B|) of bool masks (N, 1, S, S); 1 where both are empty."""
    both = _summed(predicted & masks)
    sizes = _summed(predicted) + _summed(masks)
    return np.where(sizes == 0, 1.0, 2 * both / np.maximum(sizes, 1))


def dice_loss(probabilities: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(N,) Dice loss 1 - (2 sum py + 1) / (sum p + sum y + 1) of probabilities p and bool masks y, both (N, 1, S, S).

    The paper's Dice loss must be of probabilities: of masks it is at most 1 - IoU, which Table 6 exceeds (0.5165 at an IoU of
    0.5658). The pixel that is added to both parts is that of the code of its reference 20.
    """
    shared = _summed(probabilities * masks)
    return 1 - (2 * shared + 1) / (_summed(probabilities) + _summed(masks) + 1)


def score_table(probabilities: np.ndarray, test: SegmentationSet) -> pd.DataFrame:
    """A row a test pair: image_id, group_id, the METRICS, and the shares of lesion pixels in mask and prediction.

    `probabilities` are (N, 1, S, S) in [0, 1]; a pixel above 0.5 is of the lesion.
    """
    masks, predicted = test.masks > 0, probabilities > THRESHOLD
    return pd.DataFrame(
        {
            "image_id": test.image_ids,
            "group_id": test.groups,
            "iou": iou(predicted, masks),
            "dice": dice(predicted, masks),
            "dice_loss": dice_loss(probabilities, masks),
            "mask_area": masks.mean(axis=(1, 2, 3)),
            "predicted_area": predicted.mean(axis=(1, 2, 3)),
        }
    )


def _summed(values: np.ndarray) -> np.ndarray:
    return values.sum(axis=(1, 2, 3), dtype=np.float64)

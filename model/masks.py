"""Operations on masks: boundaries, components, distances."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Inner boundary, an 8-connected line of the (H, W) mask's own pixels; the image's edge counts as boundary."""
    inside = cv2.erode(mask.astype(np.uint8), _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    outline: NDArray[np.bool_] = np.logical_and(mask, np.equal(inside, 0))
    return outline


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """8-connected components of a (H, W) mask.

    Returns:
        labels: (H, W), 0 for the background, 1..N for the components; areas: (N,) in pixels.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int32)


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 8-connected component of a (H, W) mask; empty if the mask is."""
    labels, areas = components(mask)
    return np.equal(labels, int(areas.argmax()) + 1) if areas.size else mask.copy()


def inner_distance(mask: NDArray[np.bool_], edge_is_boundary: bool = True) -> NDArray[np.float32]:
    """(H, W) Euclidean distance in pixels from each True pixel to the nearest False one; 0 on False pixels.

    Args:
        edge_is_boundary: whether the pixels beyond the image count as False.
    """
    if edge_is_boundary:
        padded = np.pad(mask.astype(np.uint8), 1)
        return _distance_transform(padded)[1:-1, 1:-1]
    if mask.all():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    return _distance_transform(mask.astype(np.uint8))


def _distance_transform(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    distance = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
    # Squared distances are whole numbers; OpenCV's last bits depend on where the array lies in memory, and ties of a
    # simulated click would fall now here, now there.
    exact: NDArray[np.float32] = np.sqrt(np.rint(np.square(distance)))
    return exact


def distance_to(points: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) Euclidean distance in pixels from each pixel to the nearest True one; infinite if there is none."""
    return inner_distance(~points, edge_is_boundary=False)


def outward_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) signed distance in pixels to the mask's contour: positive outside the mask, negative inside.

    A pixel next to the contour has +0.5 or -0.5; without any contour the distance is the image's diagonal.
    """
    diagonal = float(np.hypot(*mask.shape))
    outside = np.minimum(distance_to(mask), diagonal)
    inside = np.minimum(distance_to(~mask), diagonal)
    return np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)


def nearest_contour(
    mask: NDArray[np.bool_], points: Sequence[tuple[float, float]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The contour as seen from each of N points; much cheaper than `outward_distance` for a few of them.

    Args:
        mask: (H, W).
        points: (N, 2), x and y; points beyond the mask count as outside.

    Returns:
        nearest: (N, 2), x and y of the nearest boundary pixel; the points themselves if the mask is empty.
        outward: (N,), signed distance as in `outward_distance`; the diagonal if the mask is empty.
    """
    xy = np.asarray(points, np.float32).reshape(-1, 2)
    rows, columns = np.nonzero(boundary(mask))
    if not rows.size:
        return xy, np.full(len(xy), np.hypot(*mask.shape), np.float32)
    outline = np.stack([columns, rows], axis=1).astype(np.float32)
    squared = ((xy[:, None] - outline) ** 2).sum(axis=2)
    nearest = squared.argmin(axis=1)
    distance = np.sqrt(squared[np.arange(len(xy)), nearest])
    x, y = np.rint(xy).astype(int).T
    held = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    inside = np.zeros(len(xy), bool)
    inside[held] = mask[y[held], x[held]]
    return outline[nearest], np.where(inside, -0.5 - distance, distance - 0.5).astype(np.float32)


def components_near(
    mask: NDArray[np.bool_], points: Sequence[tuple[float, float]], radius: float
) -> NDArray[np.bool_]:
    """The 8-connected components of a (H, W) mask that come within `radius` pixels of one of the points (x, y)."""
    labels, areas = components(mask)
    kept = np.zeros(areas.size + 1, dtype=bool)
    reach = int(np.ceil(radius))
    for x, y in points:
        column, row = round(x), round(y)
        left, top = max(column - reach, 0), max(row - reach, 0)
        near = labels[top : max(row + reach + 1, 0), left : max(column + reach + 1, 0)]
        rows, columns = np.nonzero(near)
        within = (columns + left - x) ** 2 + (rows + top - y) ** 2 <= radius**2
        kept[near[rows[within], columns[within]]] = True
    kept[0] = False
    return kept[labels]


def intersection_over_union(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_], ignore: NDArray[np.bool_] | None = None
) -> float:
    """IoU of two (H, W) masks without the ignored pixels; 1 if both are empty."""
    if ignore is not None:
        predicted, truth = predicted & ~ignore, truth & ~ignore
    union = np.count_nonzero(predicted | truth)
    return np.count_nonzero(predicted & truth) / union if union else 1.0

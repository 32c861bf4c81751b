"""What the networks and those who feed them agree on; needs no torch."""

FEATURE_STRIDE = 4
"""Network pixels of the image for each cell of the features."""

SIZE_MULTIPLE = 32
"""Sides of what is encoded are multiples of this, network pixels."""

GUIDANCE = (
    "clicks",
    "reach",
    "sign",
    "newest",
    "selection",
    "inside",
    "outside",
    "newest inside",
    "newest outside",
    "mask",
)
"""The click maps of the refinement head, in order: all boundary clicks, narrow and wide; each click's Gaussian as far
as the contour, positive outside the mask; the newest click; the selection click; points inside and outside the object
beside the clicks, of all and of the newest; probability so far."""

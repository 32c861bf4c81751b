"""The paper's own figures (Tables 1 and 2), beside which ours are printed."""

TABLE_1 = {
    "GrabCut": {"cb-ce": 84.0, "ba-ce": 84.8},
    "Berkeley": {"cb-ce": 82.9, "ba-ce": 85.3},
    "VOC": {"cb-ce": 78.2, "ba-ce": 80.6},
}
"""Mean IoU in percent after the selection click, by column and loss."""

TABLE_2 = {
    "GrabCut": {"pnr": 2.62, "bcr": 2.30},
    "Berkeley": {"pnr": 4.08, "bcr": 3.74},
    "VOC": {"pnr": 3.27, "bcr": 2.88},
    "DAVIS": {"pnr": 5.11, "bcr": 4.98},
    "COCO-20": {"pnr": 5.26, "bcr": 5.02},
    "COCO-60": {"pnr": 6.31, "bcr": 5.65},
}
"""Clicks to the column's IoU, by column and kind of refinement clicks."""

CROP_RECALL = 3414 / 3427
"""Share of the instances of VOC val that the crop of the BA-CE network holds (section 4.2)."""

VOC_CATEGORIES = (
    "person", "bird", "cat", "cow", "dog", "horse", "sheep", "airplane", "bicycle", "boat", "bus", "car", "motorcycle",
    "train", "bottle", "chair", "dining table", "potted plant", "couch", "tv",
)  # fmt: skip
"""The 20 of COCO's categories that Pascal VOC has, too, by COCO's names: `seen` in Table 2."""

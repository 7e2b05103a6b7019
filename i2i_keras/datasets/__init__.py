"""Data sets: how each is laid out and how its labels are written."""

from i2i_keras.datasets import camvid, cityscapes, folder, gta5, idd

DATASETS = {
    "cityscapes": cityscapes.DATASET,
    "gta5": gta5.DATASET,
    "camvid": camvid.DATASET,
    "idd": idd.DATASET,
    "folder": folder.DATASET,
}

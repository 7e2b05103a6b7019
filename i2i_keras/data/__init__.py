"""From raw trees to records, and from records to batches."""

from i2i_keras.data import camvid, cityscapes, folder, gta5, idd

DATASETS = {
    "cityscapes": cityscapes.DATASET,
    "gta5": gta5.DATASET,
    "camvid": camvid.DATASET,
    "idd": idd.DATASET,
    "folder": folder.DATASET,
}

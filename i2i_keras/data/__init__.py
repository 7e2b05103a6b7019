"""From raw trees to records, and from records to batches."""

from i2i_keras.data import cityscapes, folder, gta5

DATASETS = {
    "cityscapes": cityscapes.DATASET,
    "gta5": gta5.DATASET,
    "folder": folder.DATASET,
}

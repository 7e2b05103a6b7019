"""The tables of a run: its records as they were prepared, and as made anew."""

from i2i_keras.data.records import Record, read_records
from i2i_keras.run_folder.run import Run


def prepared(run: Run, table: str) -> list[Record]:
    """Records that `prepare` wrote, of a table such as `source-train`."""
    return read_records(run.root, run.table(run.records, table))


def translated(run: Run, method: str, table: str, direction: str = "xy") -> list[Record]:
    """The same records as a translator made them, labels kept."""
    return read_records(run.root, run.table(run.translated(method, direction), table))

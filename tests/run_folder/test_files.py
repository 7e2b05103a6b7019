import math

import pytest

from i2i_keras.errors import DataError
from i2i_keras.run_folder.files import read_json, write_json


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_not_written(tmp_path, value):
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match=r"a\.json would hold what is not a number \(b\.1\.c\)"):
        write_json(path, {"a": 1.0, "b": [2.0, {"c": value}]})
    assert not [*tmp_path.iterdir()]


def test_what_is_there_stays_when_another_is_refused(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": None, "b": [1.5]})
    with pytest.raises(DataError):
        write_json(path, {"a": math.nan})
    assert read_json(path) == {"a": None, "b": [1.5]}

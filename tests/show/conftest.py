"""Asks the server of the page as any program could."""

import base64
import http.client
import io
import json
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import read_records


class Answer:
    """What the server has answered.

    Attributes:
        status: HTTP's number.
        headers: all of them.
        body: as it came.
    """

    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def error(self):
        return json.loads(self.body)["error"]

    def pictures(self):
        """Decoded, by the names of their files."""
        assert self.status == 200, self.body
        found = json.loads(self.body)["pictures"]
        files = {one["name"]: io.BytesIO(base64.b64decode(one["png"])) for one in found}
        return {name: np.asarray(Image.open(file)) for name, file in files.items()}

    def assert_refused(self, status, words):
        """In one sentence, in which no place of this machine stands."""
        assert self.status == status, self.body
        assert words in self.error
        assert self.error.endswith(".")
        assert "Traceback" not in self.error and "/tmp" not in self.error


class Asker:
    """Sends requests to an address, as they are."""

    def __init__(self, address):
        self.address = address

    def __call__(self, path="/", method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def make(self, what, body=None, **query):
        """Asks for what a network makes of a file, or of a `record`."""
        query = {"what": what, "scale": "working", **query}
        return self(f"/make?{urlencode(query)}", "POST", body)


@pytest.fixture(scope="session")
def asker():
    """`Asker`, from an address."""
    return Asker


@pytest.fixture
def ask(shown):
    """Asks the page of `trained_run`."""
    return Asker(shown)


@pytest.fixture
def record(trained_run):
    """The first test image of the target."""
    return read_records(trained_run, trained_run / "prepare" / "target-test.csv")[0]


@pytest.fixture
def named(record):
    """The same, as it is asked for."""
    return f"target-test/{record.name}"

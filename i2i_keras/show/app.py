"""What the page asks for, and what it is answered."""

import asyncio
import base64
import contextlib
import functools
import io
import threading
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any, cast

import jinja2
import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from i2i_keras.data.records import KINDS_READ, Record, read_image
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment.segmenting import Scale
from i2i_keras.show.guard import Guard
from i2i_keras.show.images import MOST_BYTES, RefusedError, listed_images, read_upload
from i2i_keras.show.networks import Networks, Pixels

# Of the key by which the image itself is asked for.
IMAGE = "image"
_THREAD = "i2i-keras show"
_SCALES = ("working", "native")
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}


def build_app(networks: Networks) -> Starlette:
    """The page and what it asks for, as an ASGI application.

    Args:
        networks: what is shown.
    """
    desk = _Desk(networks)
    routes = [
        Route("/", desk.page),
        *(Route(f"/{name}", _file(name, kind)) for name, kind in _KINDS.items()),
        Route("/make", desk.make, methods=["POST"]),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(Guard)], exception_handlers={404: _not_found}
    )


class _Desk:
    """Takes requests, one computation at a time."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._images = listed_images(networks.run)
        self._records = {f"{t}/{r.name}": r for t, rs in self._images.items() for r in rs}
        self._busy = threading.Lock()

    async def page(self, request: Request) -> Response:
        """The page."""
        template = jinja2.Template(_read("page.html"), autoescape=True, trim_blocks=True)
        space = self._networks.classes()
        colors = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in space.colors.tolist()] if space else []
        return HTMLResponse(
            template.render(
                run=self._networks.run.root.resolve().name,
                seed=self._networks.seed,
                images=self._images,
                makers=self._networks.makers.values(),
                classes=list(zip(space.names, colors, strict=True)) if space else [],
                most=MOST_BYTES,
                kinds=KINDS_READ,
            )
        )

    async def make(self, request: Request) -> Response:
        """What one network makes of one image, or that image as it is seen.

        The query has `what`, a key of `Networks.makers` or `IMAGE`; `scale`,
        see `segmenting.Look`; and either `record`, a listed image, or the body
        is a file.
        """
        what, scale = request.query_params.get("what", ""), request.query_params.get("scale", "")
        name = request.query_params.get("record", "")
        try:
            if what != IMAGE and what not in self._networks.makers:
                raise RefusedError(f"No network {what!r} here; load the page anew.", 404)
            if scale not in _SCALES:
                raise RefusedError(f"No scale {scale!r}; there are {', '.join(_SCALES)}.", 400)
            if name and name not in self._records:
                raise RefusedError(f"No image {name!r} here; load the page anew.", 404)
            source = self._records[name] if name else await _body(request)
            work = functools.partial(self._answer, what, source, cast(Scale, scale))
            return JSONResponse(await _in_thread(work))
        except RefusedError as error:
            return _refusal(str(error), error.status)
        except (DataError, SettingsError) as error:
            return _refusal(str(error), 409)
        except asyncio.CancelledError:
            return _refusal("i2i-keras show has ended; start it anew.", 503)
        except Exception as error:  # Whatever a network stumbles over, the page goes on.
            return _refusal(_told(error), 500)

    def _answer(self, what: str, source: Record | bytes, scale: Scale) -> dict[str, Any]:
        """Computes pictures, unless others are being computed.

        Raises:
            RefusedError: they are, or the image is not taken.
        """
        if not self._busy.acquire(blocking=False):
            raise RefusedError("Another picture is being made; try again in a moment.", 503)
        try:
            pixels = self._read(what, source)
            made = {IMAGE: pixels}
            if what != IMAGE:
                made = self._networks.make(what, pixels, scale)
            return {"pictures": [_picture(name, found) for name, found in made.items()]}
        finally:
            self._busy.release()

    def _read(self, what: str, source: Record | bytes) -> Pixels:
        if isinstance(source, Record):
            return np.asarray(read_image(source.image))
        role = self._networks.makers[what].role if what != IMAGE else "target"
        return read_upload(source, self._networks.run, role)


async def _body(request: Request) -> bytes:
    """The body of a request, of which no more is read than is taken.

    Raises:
        RefusedError: it is too large.
    """
    size, parts = 0, list[bytes]()
    declared = request.headers.get("content-length", "0")
    too_large = declared.isdecimal() and int(declared) > MOST_BYTES
    if not too_large:
        async for part in request.stream():
            size += len(part)
            too_large = size > MOST_BYTES
            if too_large:
                break
            parts.append(part)
    if too_large:
        raise RefusedError(
            f"The file has more than {MOST_BYTES >> 20} MB; make the image smaller.", 413
        )
    return b"".join(parts)


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Calls a function in a thread that the program does not wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def finish(result: Any, error: BaseException | None) -> None:
        if not future.done():  # The server may be ending.
            future.set_exception(error) if error else future.set_result(result)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as caught:
            error = caught
        with contextlib.suppress(RuntimeError):  # The loop is closed by then.
            loop.call_soon_threadsafe(finish, result, error)

    threading.Thread(target=run, name=_THREAD, daemon=True).start()
    return await future


def is_computing() -> bool:
    """Whether a picture is being made, which nothing can stop."""
    return any(thread.name == _THREAD for thread in threading.enumerate())


def _picture(name: str, pixels: Pixels) -> dict[str, Any]:
    draft = io.BytesIO()
    Image.fromarray(pixels).save(draft, "PNG", compress_level=1)
    height, width = pixels.shape[:2]
    png = base64.b64encode(draft.getvalue()).decode("ascii")
    return {"name": f"{name}.png", "width": width, "height": height, "png": png}


def _told(error: Exception) -> str:
    # TensorFlow is not imported for its name.
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "There is not enough memory for an image of this size; take a smaller one."
    brief = f"{type(error).__name__}: {error}".partition("\n")[0]
    return f"Internal error ({brief}); this is a fault of i2i-keras, please report it."


def _refusal(message: str, status: int) -> Response:
    return JSONResponse({"error": message}, status)


async def _not_found(request: Request, error: Exception) -> Response:
    return _refusal("There is nothing at this address; the page is at /.", 404)


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return Response(_read(name), media_type=kind)

    return answer


def _read(name: str) -> str:
    return resources.files("i2i_keras.show").joinpath(name).read_text("utf-8")

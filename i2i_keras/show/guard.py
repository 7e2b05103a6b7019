"""Who may ask: pages of this server, and nothing that another site has sent."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Another site may let its name mean this machine (DNS rebinding), but a browser
# still says that name.
_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Guard:
    """Refuses requests of other sites, and tells browsers to do so, too.

    Args:
        app: what answers the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        fault = _fault(Headers(scope=scope))
        answer = JSONResponse({"error": fault}, 403) if fault else self._app
        await answer(scope, receive, send_with_headers)


def _fault(headers: Headers) -> str:
    """What is wrong with where a request comes from; empty = nothing."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return "The address is not that of this page; open it as http://127.0.0.1 with its port."
    # The port is the host's own, as it may be forwarded from another machine.
    if any(origin != f"http://{hosts[0]}" for origin in headers.getlist("origin")):
        return "Another page has sent this; open this page itself."
    site = headers.get("sec-fetch-site", "none")
    # A link of another page may lead here, but neither frame nor picture.
    if site not in ("none", "same-origin") and headers.get("sec-fetch-dest") != "document":
        return "Another page has sent this; open this page itself."
    return ""

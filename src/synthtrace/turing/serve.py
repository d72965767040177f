"""Serving a reader test from this machine to a few readers at once."""

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from synthtrace.errors import InputError
from synthtrace.turing.answers import Answers
from synthtrace.turing.app import make_app
from synthtrace.turing.key import image_paths, mask_paths, shown_digest
from synthtrace.turing.questions import OF_IMAGES, OF_PAIRS


class _Quiet(WSGIRequestHandler):
    """Logs nothing: addresses hold access tokens and readers' links."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_server(folder: Path, host: str, port: int) -> tuple[BaseWSGIServer, str]:
    """A listening server of the test in `folder`, a thread a request, and the address to give to readers.

    Only `images/`, `masks/` and `answers.sqlite` are touched: the key may lie elsewhere while readers read. Port 0 takes a free
    one. A host that other machines reach asks for a token, which is in the address and stays the same over restarts.

    Raises:
        InputError: there is no test in `folder`, its answers belong to another, or nothing can listen at host and port.
    """
    paths, masks, digest = image_paths(folder), mask_paths(folder), shown_digest(folder)
    answers = Answers(folder, digest, OF_PAIRS if masks else OF_IMAGES)
    access = None if is_local(host) else answers.access
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: cannot listen there ({error.strerror or error})") from None
    app = make_app(paths, answers, digest, access, masks)
    with listener:
        server = make_server(host, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno())
        bound = listener.getsockname()[1]
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return server, f"http://{name}:{bound}/" + (f"?token={access}" if access else "")


def serve(folder: Path, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; raises as `open_server`."""
    server, address = open_server(folder, host, port)
    say(f"{len(image_paths(folder))} {'pairs' if mask_paths(folder) else 'images'} at {address}")
    say("answers are written at once; Ctrl+C stops, and `serve` again goes on where every reader was")
    server.serve_forever()  # returns on Ctrl+C
    say("stopped")

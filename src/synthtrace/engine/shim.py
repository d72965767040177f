"""`python` as the engine's stages see it: the script runs in a fork of the server, and this process stands for it.

Run as a file with `-I -S`, so it starts in milliseconds: standard library only. Without a server it becomes the real python.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import sys
from typing import NoReturn

ADDRESS = "SYNTHTRACE_SERVER"
FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def submit(address: str, argv: list[str], cwd: str, env: dict[str, str], descriptors: tuple[int, int, int]) -> socket.socket:
    """Ask the server at `address` to run `argv` (script first) with these descriptors as stdin, stdout and stderr.

    The connection then yields the child's process id, which also is its process group, and its exit code once it ends, both
    as 4 bytes; closing it earlier kills the group. Raises OSError without a server.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        request = json.dumps({"argv": argv, "cwd": cwd, "env": env}).encode()
        socket.send_fds(connection, [struct.pack("!i", len(request))], list(descriptors))
        connection.sendall(request)
    except OSError:
        connection.close()
        raise
    return connection


def receive(connection: socket.socket) -> int | None:
    """The next number of a connection; None when the server is gone."""
    data = connection.recv(4, socket.MSG_WAITALL)
    return struct.unpack("!i", data)[0] if len(data) == 4 else None


def _stand_for(connection: socket.socket) -> int:
    """Pass signals on to the script's process group, and end as it ends."""
    group = receive(connection)
    if group is None:
        return 1

    def forward(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    code = receive(connection)
    if code is None:
        return 1
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def main() -> NoReturn:
    """Run `python ARGUMENTS` through the server where it is a script and a server is up."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; it outlives the exec below
    arguments = sys.argv[1:]
    if arguments and arguments[0].endswith(".py") and ADDRESS in os.environ:
        with contextlib.suppress(OSError):
            cwd = os.getcwd()  # noqa: PTH109 -- pathlib would double the start-up
            sys.exit(_stand_for(submit(os.environ[ADDRESS], arguments, cwd, dict(os.environ), (0, 1, 2))))
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    main()

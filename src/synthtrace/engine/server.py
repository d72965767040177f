"""A parent that has imported libraries and forks a child a script, so that no script waits for imports again.

Run as a file with `-P`: python -P server.py ADDRESS PRELOAD, where PRELOAD is JSON [[module, [names]], ...]. Standard library
only, and single-threaded: what it preloads must neither start work nor touch a GPU. Its children die with it.
"""

import atexit
import builtins
import contextlib
import ctypes
import importlib
import io
import json
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
import threading
import types
import weakref
from collections.abc import Callable, Iterable


def preload(imports: Iterable[tuple[str, list[str]]]) -> list[weakref.finalize]:
    """Import modules and take names from them; what fails here fails again, and is reported, in the script that needs it.

    Returns what is to be cleaned up when the server ends: a temporary folder that a library makes at import (wandb does) is
    the server's, and the end of one script must not delete it under the others.
    """
    # keeps torch.cuda.is_available(), which libraries call at import, from initialising CUDA before a fork
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    register = atexit.register

    def without_folders(function: Callable, *arguments: object, **named: object) -> Callable:
        if isinstance(getattr(function, "__self__", None), tempfile.TemporaryDirectory):
            return function
        return register(function, *arguments, **named)

    atexit.register = without_folders  # type: ignore[assignment]
    for base, names in imports:
        with contextlib.suppress(Exception):
            module = importlib.import_module(base)
            for name in names:
                if not hasattr(module, name):
                    importlib.import_module(f"{base}.{name}")
    atexit.register = register
    finalizers = list(weakref.finalize._registry)  # type: ignore[attr-defined]
    for finalizer in finalizers:
        finalizer.atexit = False
    return finalizers


def serve(address: str) -> dict:
    """Accept jobs until killed; returns in each forked child only, with the job to do."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno())
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    children: dict[int, socket.socket] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                try:
                    job, descriptors = _receive_job(connection)
                except (OSError, ValueError, struct.error):
                    connection.close()
                    continue
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    signal.signal(signal.SIGTERM, signal.SIG_DFL)
                    selector.close()
                    for held in (listener, woken, waker, connection, *children.values()):
                        held.close()
                    return {**job, "descriptors": descriptors}
                for descriptor in descriptors:
                    os.close(descriptor)
                with contextlib.suppress(OSError):  # the child does the same: whoever comes first
                    os.setpgid(pid, pid)
                children[pid] = connection
                selector.register(connection, selectors.EVENT_READ, pid)
                _send(connection, pid)
            elif key.fileobj is woken:
                woken.recv(4096)
                _reap(children, selector)
            else:  # a client sends nothing more: it is gone, and its script with it
                selector.unregister(key.fileobj)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(key.data, signal.SIGKILL)


def _receive_job(connection: socket.socket) -> tuple[dict, list[int]]:
    connection.settimeout(10)
    header, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    (length,) = struct.unpack("!i", header)
    data = connection.recv(length, socket.MSG_WAITALL)
    connection.settimeout(None)
    return json.loads(data), descriptors


def _send(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(struct.pack("!i", number))


def _reap(children: dict[int, socket.socket], selector: selectors.BaseSelector) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        connection = children.pop(pid)
        _send(connection, os.waitstatus_to_exitcode(status))
        with contextlib.suppress(KeyError):
            selector.unregister(connection)
        connection.close()


def run(job: dict, server: int) -> None:
    """In the child: take the job's place in the world and run its script as `__main__`."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    _die_with(server)
    for number, descriptor in enumerate(job["descriptors"]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    script = job["argv"][0]
    sys.argv = job["argv"]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))  # noqa: PTH100, PTH120 -- as python itself does
    main = types.ModuleType("__main__")
    main.__dict__.update({"__file__": script, "__builtins__": builtins})
    sys.modules["__main__"] = main
    sys.excepthook = _report
    try:
        with open(script, "rb") as file:
            code = compile(file.read(), script, "exec")
        exec(code, main.__dict__)
    except SystemExit as stop:
        if stop.code is not None and not isinstance(stop.code, int):
            print(stop.code, file=sys.stderr)
        _leave(stop.code if isinstance(stop.code, int) else int(stop.code is not None))
    except KeyboardInterrupt:
        raise  # the interpreter ends as interrupted programs do
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        _leave(1)
    _leave(0)


def _leave(code: int) -> None:
    """End as the interpreter does, short of taking down every module: that would copy the server's memory page by page."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as an ordinary end does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code & 0xFF)


def _report(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Show an uncaught error with a traceback that begins in the script: a frame of this file stands above it."""
    trace = trace.tb_next if trace else None
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    _die_with(int(sys.argv[3]))
    finalizers = preload(json.loads(sys.argv[2]))
    own = os.getpid()

    def _end(*_: object) -> None:
        for clean_up in finalizers:
            clean_up()
        os._exit(0)

    signal.signal(signal.SIGTERM, _end)
    run(serve(sys.argv[1]), own)

"""Worker processes that run one script each at a time, with a deadline: a hang is a failure."""

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from spectests.report import FAILED, CommandResult, FileReport
from spectests.run import run_script
from spectests.scripts import Script

#: For each script, by default: several times what the longest takes on one slow core.
TIMEOUT = 300.0

# Spawned workers start from nothing on every platform; a forked one would share what the parent holds.
_CONTEXT = get_context("spawn")


def _work(connection: Connection) -> None:
    while True:
        try:
            script = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        connection.send(run_script(script))


class _Worker:
    """One process, and the script that it runs."""

    def __init__(self) -> None:
        self.connection, child = _CONTEXT.Pipe()
        self.process: SpawnProcess = _CONTEXT.Process(target=_work, args=(child,), daemon=True)
        self.process.start()
        child.close()
        self.path = ""
        self.deadline = 0.0

    def start(self, script: Script, timeout: float) -> None:
        self.path = script.path
        self.deadline = time.monotonic() + timeout
        with suppress(OSError):  # it ended meanwhile: receiving will say so
            self.connection.send(script)

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def run_files(scripts: Sequence[Script], jobs: int = 1, timeout: float = TIMEOUT) -> Iterator[FileReport]:
    """Run scripts in `jobs` processes, `timeout` seconds each; reports come as they are ready.

    The largest files begin, so that no long one is left for the end.
    """
    waiting = deque(sorted(scripts, key=_size, reverse=True))
    busy: list[_Worker] = []
    try:
        for _ in range(min(max(jobs, 1), len(waiting))):
            worker = _Worker()
            worker.start(waiting.popleft(), timeout)
            busy.append(worker)
        while busy:
            patience = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
            ready = wait([worker.connection for worker in busy], patience)
            for worker in list(busy):
                if worker.connection in ready:
                    report, alive = _receive(worker)
                elif time.monotonic() >= worker.deadline:
                    report, alive = _lost(worker.path, f"no end after {timeout:g} seconds"), False
                else:
                    continue
                yield report
                busy.remove(worker)
                if not alive or not waiting:
                    worker.stop()
                if waiting:
                    successor = worker if alive else _Worker()
                    successor.start(waiting.popleft(), timeout)
                    busy.append(successor)
    finally:
        for worker in busy:
            worker.stop()


def _size(script: Script) -> int:
    try:
        return os.path.getsize(script.path)
    except OSError:  # the report on it will say so
        return 0


def _receive(worker: _Worker) -> tuple[FileReport, bool]:
    """The report, and whether the process can run another script."""
    try:
        report = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        return _lost(worker.path, f"the process ended with status {worker.process.exitcode}"), False
    if not isinstance(report, FileReport):
        return _lost(worker.path, f"the process sent {report!r}"), False
    return report, True


def _lost(path: str, reason: str) -> FileReport:
    return FileReport(path, [CommandResult(1, "script", FAILED, "the end of the script", reason)])

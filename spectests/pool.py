"""Worker processes that run one script each at a time, with a deadline: a hang is a failure."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from spectests.report import FAILED, CommandResult, FileReport
from spectests.runner import run_file

# Spawned workers start from nothing on every platform; a forked one would share what the parent holds.
_CONTEXT = get_context("spawn")


def _work(connection: Connection) -> None:
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        connection.send(run_file(path))


class _Worker:
    """One process, and the script that it runs."""

    def __init__(self) -> None:
        self.connection, child = _CONTEXT.Pipe()
        self.process: SpawnProcess = _CONTEXT.Process(target=_work, args=(child,), daemon=True)
        self.process.start()
        child.close()
        self.path = ""
        self.deadline = 0.0

    def start(self, path: str, timeout: float) -> None:
        self.path = path
        self.deadline = time.monotonic() + timeout
        self.connection.send(path)

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def run_files(paths: Sequence[str], jobs: int = 1, timeout: float = 120.0) -> Iterator[FileReport]:
    """Run scripts in `jobs` processes, `timeout` seconds each; reports come as they are ready."""
    waiting = deque(paths)
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
                    report, alive = _receive(worker), worker.process.is_alive()
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


def _receive(worker: _Worker) -> FileReport:
    try:
        report = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        return _lost(worker.path, f"the process ended with status {worker.process.exitcode}")
    if not isinstance(report, FileReport):
        return _lost(worker.path, f"the process sent {report!r}")
    return report


def _lost(path: str, reason: str) -> FileReport:
    return FileReport(path, [CommandResult(1, "script", FAILED, "the end of the script", reason)])

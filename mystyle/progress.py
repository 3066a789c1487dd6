"""Progress without print: library code reports its steps, the caller decides whether and how to show them."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mystyle.files import printable

Listener = Callable[[str, int, int, float | None], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def report(stage: str, done: int, total: int, loss: float | None = None) -> None:
    """``done`` of ``total`` steps of ``stage`` ("tuning", "projection", ...) are over; free without a listener.

    ``loss`` is the value that the stage minimises, where there is one.
    """
    listener = _listener.get()
    if listener is not None:
        listener(stage, done, total, loss)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Sends every ``report`` made inside the block to ``listener(stage, done, total, loss)``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def showing() -> Iterator[None]:
    """A bar on the console for every stage that is reported inside the block, with loss and remaining time."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int, loss: float | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, loss="")
            bars.update(tasks[stage], completed=done, total=total)
            if loss is not None:
                bars.update(tasks[stage], loss=f"loss {loss:.4f}")

        with listening(show):
            yield


def status_of(name: str, command: Callable[[], object], stopped: str) -> int:
    """Runs a command to its exit status: 0 done, 1 failed, 2 unusable arguments, 130 interrupted.

    Full disks fail, and losses that are not finite. ``name`` stands before each line of an error, ``stopped`` is what
    an interrupted user is told.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not fit the terminal's encoding
    try:
        command()
    except (ValueError, OSError, ArithmeticError) as error:  # the last of losses that are not finite
        print("\n".join(f"{name}: {printable(line)}" for line in str(error).splitlines()), file=sys.stderr)
        failing = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        return 1 if failing or isinstance(error, ArithmeticError) else 2
    except KeyboardInterrupt:
        print(f"\nstopped; {stopped}", file=sys.stderr)
        return 130
    return 0

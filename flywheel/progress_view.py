"""What a person sees while a long command runs: what runs, how long, what is next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


@dataclass
class Step:
    """One line of the plan."""

    title: str
    detail: str = ""
    started: float | None = None
    ended: float | None = None
    failed: bool = False

    @property
    def seconds(self) -> float:
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started


class View:
    """The plan as a table that moves in a terminal, and as plain lines where output goes to a file.

    Args:
        titles: the steps in their order; `step()` starts the next one.
    """

    def __init__(self, console: Console, titles: Sequence[str]) -> None:
        self.console = console
        self.footer = ""
        self._steps = [Step(title) for title in titles]
        self._next = 0
        self._live = (
            Live(self, console=console, refresh_per_second=8, transient=False)
            if console.is_terminal
            else None
        )
        self._spinner = Spinner("dots")

    def __enter__(self) -> View:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    @contextmanager
    def step(self) -> Iterator[Step]:
        """Run the next step of the plan; its `detail` may be set by `say` at any time."""
        step = self._steps[self._next]
        self._next += 1
        step.started = time.monotonic()
        self._print(f"[{self._next}/{len(self._steps)}] {step.title}")
        try:
            yield step
        except BaseException:
            step.failed = True
            raise
        finally:
            step.ended = time.monotonic()
        self._print(f"      {step.detail} ({step.seconds:.1f} s)".rstrip())

    def say(self, step: Step, detail: str) -> None:
        """Tell what the step does now; said once, however often it is called with it."""
        if detail != step.detail:
            step.detail = detail
            self._print(f"      {step.seconds:6.1f} s  {detail}")

    def _print(self, line: str) -> None:
        if not self._live:
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for column in ("mark", "title", "seconds", "detail"):
            table.add_column(
                column,
                justify="right" if column == "seconds" else "left",
                no_wrap=column != "detail",
            )
        for step in self._steps:
            table.add_row(*self._row(step))
        return Group(table, Text(self.footer, style="dim")) if self.footer else table

    def _row(self, step: Step) -> tuple[RenderableType, ...]:
        if step.started is None:
            return Text("·", style="dim"), Text(step.title, style="dim"), "", ""
        seconds = Text(f"{step.seconds:.0f} s", style="dim")
        if step.ended is None:
            return self._spinner, Text(step.title, style="bold"), seconds, Text(step.detail)
        mark = Text("✗", style="red") if step.failed else Text("✓", style="green")
        return mark, Text(step.title), seconds, Text(step.detail, style="dim")

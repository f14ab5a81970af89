"""Running, and help."""

from __future__ import annotations

from app import helpviews
from app.commands.base import Handlers

__all__ = ["RunCommands"]


class RunCommands(Handlers):
    """What the Run and Help menus ask for."""

    def run_run(self) -> None:
        self.finish_typing()
        if not self.runner.run_or_resume():
            self.window.show_dock("issues")

    def run_pause(self) -> None:
        self.runner.pause()

    def run_step(self) -> None:
        self.finish_typing()
        self.runner.step()

    def run_stop(self) -> None:
        self.runner.stop()

    def run_plan(self) -> None:
        helpviews.show_plan(self.window, self.runner.plan_text)

    # --- help ---

    def help_node(self) -> None:
        self.window.show_dock("inspector")
        self.window.inspector.show_help()

    def help_keys(self) -> None:
        helpviews.show_keys(self.window)

    def help_about(self) -> None:
        helpviews.show_about(self.window, self.runner.engine.versions)

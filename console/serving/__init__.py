"""``serve``: the reports, and the progress of the run under way, for browsers."""

from console.serving.server import serve_command

__all__ = ["serve_command"]

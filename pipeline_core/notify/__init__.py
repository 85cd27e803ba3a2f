"""Notifications of a run's end, or of trouble, to a webhook and a command of the shop's."""

from pipeline_core.notify.hooks import (
    NOBODY,
    Event,
    Hooks,
    Notification,
    PublishedReport,
    RunFigures,
    event_of,
    notify_hooks,
    parse_events,
)

__all__ = [
    "NOBODY",
    "Event",
    "Hooks",
    "Notification",
    "PublishedReport",
    "RunFigures",
    "event_of",
    "notify_hooks",
    "parse_events",
]

"""The work itself: plan -> process -> publish. Knows nothing of Celery or of the command line."""

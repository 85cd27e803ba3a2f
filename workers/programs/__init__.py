"""What ``celery worker`` and ``beat`` are besides Celery's: named, watched, clock-proof."""

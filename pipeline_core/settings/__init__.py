"""Settings from the environment (``SALES_*``) and ``.env``; the only reader of either."""

from pipeline_core.settings.celery import DEFAULT_BROKER_URL
from pipeline_core.settings.environment import env_file_words, store_variables, unused_variables
from pipeline_core.settings.load import described_feed, load_settings, misspelt_variables
from pipeline_core.settings.running import Engine
from pipeline_core.settings.settings import Settings

__all__ = [
    "DEFAULT_BROKER_URL",
    "Engine",
    "Settings",
    "described_feed",
    "env_file_words",
    "load_settings",
    "misspelt_variables",
    "store_variables",
    "unused_variables",
]

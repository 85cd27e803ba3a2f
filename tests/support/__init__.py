"""What tests stand on: nothing here is a test, and the product knows none of it."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

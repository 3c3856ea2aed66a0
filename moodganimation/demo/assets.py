"""Where the page's scripts, styles and examples lie."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"

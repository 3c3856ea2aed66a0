"""The demo: python app.py [--port 7860] [--checkpoint FILE] [--device cpu]"""

import argparse
import os
import signal
import sys
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported

from starlette.middleware import Middleware

from moodganimation.animator import Animator
from moodganimation.demo.i18n import LANGUAGES
from moodganimation.demo.server.file_access import FileAccess
from moodganimation.demo.server.metrics import Metrics
from moodganimation.demo.server.quotas import MOST_UPLOAD, MOST_WORKS
from moodganimation.demo.ui.page import build
from moodganimation.errors import Problem
from moodganimation.expressions.spaces import SPACES
from moodganimation.resources import ASSETS
from moodganimation.runtime.threads import limit_torch_threads


def visitors(path: str) -> list[tuple[str, str]]:
    """Names and passwords of a file, a line each."""
    try:
        lines = [line.strip() for line in Path(path).read_text("utf-8").splitlines()]
    except (OSError, ValueError) as problem:
        raise SystemExit(f"moodganimation: {path} cannot be read ({problem}).") from None
    pairs = [tuple(line.split(":", 1)) for line in lines if line]
    if not pairs or any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise SystemExit(f"moodganimation: {path} needs a line a visitor, name:password.")
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="default: the shipped one")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "7860"))
    parser.add_argument("--auth", metavar="FILE", help="a line a visitor: name:password")
    parser.add_argument("--mcp", action="store_true", help="tools for models; needs gradio[mcp]")
    options = parser.parse_args()
    limit_torch_threads()
    try:
        animator = Animator.load(options.checkpoint, options.device)
    except Problem as problem:
        raise SystemExit(f"moodganimation: {problem}") from None
    if animator.space.name not in SPACES:
        raise SystemExit(
            f"moodganimation: the conditions of {options.checkpoint} have no names, so the page "
            "has no sliders for them; use python -m moodganimation edit --set c0=0.5 ..."
        )
    animator.warm_up()
    # a stop of the container ends visits and their files as the end of the program does
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    build(animator).queue(max_size=2 * MOST_WORKS).launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME"),
        server_port=options.port,
        css_paths=ASSETS / "page.css",
        max_file_size=MOST_UPLOAD,
        run_history=False,
        i18n=LANGUAGES,
        footer_links=[],
        enable_monitoring=False,
        app_kwargs={"middleware": [Middleware(Metrics), Middleware(FileAccess)]},
        auth=options.auth and visitors(options.auth),
        mcp_server=options.mcp,
        ssr_mode=False,
    )


if __name__ == "__main__":
    main()

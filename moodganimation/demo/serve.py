"""Serve the page: `moodganimation demo`, and app.py in a checkout, a container or a Space."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..errors import Problem

if TYPE_CHECKING:  # both take seconds to import, and the command line imports this module
    import gradio as gr

    from ..animator import Animator

PACKAGES = ("gradio", "itsdangerous", "prometheus_client")  # of the extra `demo`


def main(arguments: list[str] | None = None) -> None:
    """Run app.py."""
    parser = argparse.ArgumentParser(prog="app.py", description="Serve the page.")
    add_arguments(parser)
    serve(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", metavar="FILE", help="default: the shipped one")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--port",
        type=int,
        metavar="N",
        default=os.environ.get("PORT", "7860"),
        help="default: the environment variable PORT, or 7860",
    )
    parser.add_argument("--auth", metavar="FILE", help="passwords, one name:password per line")
    parser.add_argument(
        "--mcp", action="store_true", help="also serve tools for language models; needs gradio[mcp]"
    )


def serve(options: argparse.Namespace) -> None:
    """Serve the page with the options of `add_arguments` until the process is stopped.

    If that is not possible, print why and exit with status 2.
    """
    if any(find_spec(name) is None for name in PACKAGES):
        _fail(
            'The page needs gradio: pip install "moodganimation[demo]", '
            "or -r requirements-app.txt in a checkout."
        )
    auth = read_passwords(options.auth) if options.auth else None
    animator = _load(options.checkpoint, options.device)
    animator.warm_up()
    # SIGTERM ends the sessions and removes their files, as a normal exit does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    launch(
        animator,
        server_name=os.environ.get("GRADIO_SERVER_NAME"),
        server_port=options.port,
        auth=auth,
        mcp_server=options.mcp,
    )


def launch(animator: Animator, **options) -> gr.Blocks:
    """Build the page and start its server. `options` are further arguments of gradio's launch."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported
    from starlette.middleware import Middleware

    from ..resources import ASSETS
    from .i18n import LANGUAGES
    from .server.file_access import FileAccess
    from .server.metrics import Metrics
    from .server.quotas import MOST_UPLOAD, MOST_WORKS
    from .ui.page import build

    page = build(animator).queue(max_size=2 * MOST_WORKS)
    page.launch(
        css_paths=ASSETS / "page.css",
        max_file_size=MOST_UPLOAD,
        run_history=False,
        i18n=LANGUAGES,
        footer_links=[],
        enable_monitoring=False,
        app_kwargs={"middleware": [Middleware(Metrics), Middleware(FileAccess)]},
        ssr_mode=False,
        **options,
    )
    return page


def read_passwords(path: str) -> list[tuple[str, str]]:
    """Read names and passwords from a file with one name:password per line."""
    try:
        lines = [line.strip() for line in Path(path).read_text("utf-8").splitlines()]
    except (OSError, ValueError) as problem:
        _fail(f"{path} cannot be read ({problem}).")
    pairs = [tuple(line.split(":", 1)) for line in lines if line]
    if not pairs or any(len(pair) != 2 or not all(pair) for pair in pairs):
        _fail(f"{path} needs one name:password per line.")
    return pairs


def _load(checkpoint: str | None, device: str) -> Animator:
    """Load a generator whose axes have names, which the sliders need."""
    from ..animator import Animator
    from ..expressions.spaces import SPACES
    from ..runtime.threads import limit_torch_threads

    limit_torch_threads()
    try:
        animator = Animator.load(checkpoint, device)
    except Problem as problem:
        _fail(str(problem))
    if animator.space.name not in SPACES:
        _fail(
            f"The axes of {checkpoint} have no names, so the page has no sliders for them. "
            "Use the command line: moodganimation edit --set c0=0.5 ..."
        )
    return animator


def _fail(sentence: str) -> NoReturn:
    print(f"moodganimation: {sentence}", file=sys.stderr)
    raise SystemExit(2)

"""Serve the page: `moodganimation demo`, and app.py in a checkout, a container or a Space."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..errors import Problem
from ..runtime.signals import Terminated, raise_on_termination
from ..runtime.terminal import escape_unprintable
from .server.proxies import (
    PRIVATE_KEYWORD,
    PROXIES_VARIABLE,
    Networks,
    TrustedProxies,
    parse_networks,
)

if TYPE_CHECKING:  # both take seconds to import, and the command line imports this module
    import gradio as gr

    from ..animator import Animator

PACKAGES = ("gradio", "itsdangerous", "prometheus_client")  # of the extra `demo`


def main(arguments: list[str] | None = None) -> None:
    """Parse the options of app.py, and serve the page."""
    escape_unprintable()
    parser = argparse.ArgumentParser(prog="app.py", description="Serve the page.")
    add_arguments(parser)
    serve(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the server."""
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
        "--trusted-proxies",
        metavar="LIST",
        help="addresses and networks of reverse proxies, or private; default: the environment "
        f"variable {PROXIES_VARIABLE}, or none",
    )
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        help="where a proxy serves the page, as /mood; default: the environment variable "
        "GRADIO_ROOT_PATH, or the root",
    )
    parser.add_argument(
        "--mcp", action="store_true", help="also serve tools for language models; needs gradio[mcp]"
    )


def serve(options: argparse.Namespace) -> None:
    """Serve the page with the options of `add_arguments` until the process is stopped.

    If that is not possible, print why and exit with status 2.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        _fail(
            f'The page needs {", ".join(missing)}: pip install "moodganimation[demo]", '
            "or -r requirements-app.txt in a checkout."
        )
    auth = read_passwords(options.auth) if options.auth else None
    try:
        trusted = parse_networks(_trusted_proxies(options.trusted_proxies))
    except Problem as problem:
        _fail(str(problem))
    if options.root_path and not options.root_path.startswith(("/", "http://", "https://")):
        _fail(f"--root-path must begin with /, got {options.root_path}.")
    animator = _load(options.checkpoint, options.device)
    animator.warm_up()
    with contextlib.suppress(Terminated), raise_on_termination():
        launch(
            animator,
            server_name=os.environ.get("GRADIO_SERVER_NAME"),
            server_port=options.port,
            auth=auth,
            mcp_server=options.mcp,
            trusted=trusted,
            root_path=options.root_path.rstrip("/"),
        )
    _exit_at_once()


def launch(animator: Animator, trusted: Networks = (), **options) -> gr.Blocks:
    """Build the page and start its server.

    trusted: networks of reverse proxies whose headers are trusted. options: further arguments of
    gradio's launch.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # else uvicorn trusts proxies on this machine
    from gradio.route_utils import delete_files_created_by_app
    from starlette.middleware import Middleware

    from ..resources import ASSETS
    from .server.assets import Compression, Fonts
    from .server.file_access import FileAccess
    from .server.metrics import Metrics
    from .server.quotas import MAX_QUEUED_JOBS, MAX_UPLOAD_BYTES
    from .ui.page import build, head
    from .ui.theme import theme

    page = build(animator).queue(max_size=MAX_QUEUED_JOBS)
    # Gradio deletes them when it shuts down, for which it would wait until all visitors are gone.
    atexit.register(delete_files_created_by_app, page, None)
    page.launch(
        css_paths=ASSETS / "page.css",
        head=head(),
        theme=theme(),
        max_file_size=MAX_UPLOAD_BYTES,
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        app_kwargs={
            "middleware": [
                Middleware(TrustedProxies, trusted=trusted),
                Middleware(Metrics),
                Middleware(Compression),
                Middleware(Fonts),
                Middleware(FileAccess),
            ]
        },
        ssr_mode=False,
        **options,
    )
    return page


def _trusted_proxies(option: str | None) -> str:
    """Return the list of trusted proxies: the option, or the environment variable.

    A Space is reached only through Hugging Face's proxies, at private addresses that change.
    """
    if option is not None:
        return option
    is_space = os.environ.get("SYSTEM") == "spaces"
    return os.environ.get(PROXIES_VARIABLE, PRIVATE_KEYWORD if is_space else "")


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
    """Load the checkpoint. Exit if its axes have no names, which the sliders need."""
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


def _exit_at_once() -> NoReturn:
    """Remove the files of all sessions and uploads, and end the process at once.

    An ordinary exit would wait for threads that still compute, or be aborted by them.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(0)


def _fail(message: str) -> NoReturn:
    """Print why the page cannot be served, and exit with status 2."""
    print(f"moodganimation: {message}", file=sys.stderr)
    raise SystemExit(2)

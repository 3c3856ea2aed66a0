"""Middleware that serves the page's fonts, and that compresses responses of text."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse

from ...resources import ASSETS
from .proxies import route_path

# Of URL paths, below that of the page, as assets/page.css has them. "studio" is the id of the root
# element of the page.
FONT_PREFIX = "/studio/fonts/"
FONT_CACHE_CONTROL = "public, max-age=604800"  # a week
COMPRESSION_LEVEL = 6
MIN_COMPRESSED_BYTES = 1000  # of a response; shorter ones are not compressed
# Prefixes of the paths whose responses are text, beside the page itself. Pictures, films and event
# streams are not compressed.
TEXT_PATHS = ("/config", "/theme.css", "/assets/", "/static/", "/gradio_api/component_server")


class Fonts:
    """Middleware that serves the files of assets/fonts."""

    def __init__(self, app):
        self.app = app
        self._fonts = {path.name: path for path in (ASSETS / "fonts").glob("*.woff2")}

    async def __call__(self, scope, receive, send):
        path = route_path(scope) if scope["type"] == "http" else ""
        font = (
            self._fonts.get(path.removeprefix(FONT_PREFIX))
            if path.startswith(FONT_PREFIX)
            else None
        )
        if font is None:
            return await self.app(scope, receive, send)
        response = FileResponse(
            font, media_type="font/woff2", headers={"cache-control": FONT_CACHE_CONTROL}
        )
        await response(scope, receive, send)


class Compression:
    """Middleware that compresses responses of text (gzip)."""

    def __init__(self, app):
        self.app = app
        self._compressed = GZipMiddleware(
            app, minimum_size=MIN_COMPRESSED_BYTES, compresslevel=COMPRESSION_LEVEL
        )

    async def __call__(self, scope, receive, send):
        is_text = scope["type"] == "http" and _is_text(route_path(scope))
        await (self._compressed if is_text else self.app)(scope, receive, send)


def _is_text(path: str) -> bool:
    return path in ("", "/") or path.startswith(TEXT_PATHS)

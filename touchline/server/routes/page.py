"""The page: its files, and the colours of classes, which are those of the report and the reels."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from touchline.colours import FURTHER_LABELS, OTHER_PLACES, css_colour, place_colour

FOLDER = Path(__file__).parents[1] / "web"
PLACES = 256
"""Classes of a label set that have a colour of their own on the page."""

_FRESH = {"Cache-Control": "no-cache"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Stated here: some systems map these endings to other types, which browsers refuse."""


class _Files(StaticFiles):
    """Files that browsers cache but revalidate, so that a new version shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_FRESH)
        known = _TYPES.get(Path(path).suffix)
        if known is not None and response.status_code == 200:
            response.headers["Content-Type"] = f"{known}; charset=utf-8"
        return response


class _ForBrowsers(Route):
    """A route for browsers only; programs match the routes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", ""):
            return super().matches(scope)
        return Match.NONE, {}


def serve_page(app: FastAPI) -> None:
    """Serve the page at the application's root, before its other routes."""
    app.router.routes += [
        _ForBrowsers("/", _page, include_in_schema=False),
        Route("/web/palette.json", _palette, include_in_schema=False),
    ]
    app.mount("/web", _Files(directory=FOLDER), name="web")


async def _page(request: Request) -> Response:
    headers = {**_FRESH, "Vary": "Accept"}
    return FileResponse(FOLDER / "index.html", media_type="text/html", headers=headers)


async def _palette(request: Request) -> Response:
    """The colour at each place, and what tells the place of a class that a label set lacks: see
    ``touchline.colours.class_colour``."""
    content = {
        "colours": [css_colour(place_colour(place)) for place in range(PLACES)],
        "further": FURTHER_LABELS,
        "others": OTHER_PLACES,
    }
    return JSONResponse(content, headers=_FRESH)

"""Headers that every answer carries; streams set their own, for players of other origins read them."""

from __future__ import annotations

from aiohttp import web

# Tried in Chromium with hls.js and its worker file: plays with no violation (security.md 3.5).
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "img-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

# The worker that draws styled subtitles compiles WebAssembly, and nothing else may: a worker goes by the policy that
# its own script came with.
SUBTITLE_WORKER = "styled-worker.js"
SUBTITLE_WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"

STREAM_PATH = "/stream/"


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Server"] = "Homereel"  # aiohttp's default names versions for whoever looks for holes
    # A page whose policy is no-referrer posts its forms with `Origin: null`, which no check can tell from a
    # foreign page's. same-origin keeps the Origin of our own forms and still tells other sites nothing.
    is_page = response.content_type == "text/html"
    headers.setdefault("Referrer-Policy", "same-origin" if is_page else "no-referrer")
    if request.path.startswith(STREAM_PATH):
        headers.setdefault("Access-Control-Allow-Origin", "*")  # a player of another origin may read refusals, too
        return
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if "ETag" not in headers:
        headers.setdefault("Cache-Control", "no-store")  # what it says depends on who is signed in

"""An HTTP server with the given pages, and a pause before the first octet where asked."""

from __future__ import annotations

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def pages_from(args: argparse.Namespace) -> type[BaseHTTPRequestHandler]:
    """A handler that knows the pages."""
    pages = dict(page.split("=", 1) for page in args.page) or {"/": "It works.\n"}

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "lab"
        sys_version = ""

        def do_GET(self) -> None:
            time.sleep(args.delay)
            page = pages.get(self.path)
            body = (page if page is not None else "not here\n").encode() * args.repeat
            self.send_response(200 if page is not None else 404)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is logged: the recording tells it."""

    return Pages


def main() -> None:
    """Serve for ever."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, required=True)
    ask.add_argument("--bind", default="")
    ask.add_argument("--page", action="append", default=[])
    ask.add_argument("--delay", type=float, default=0.0)
    ask.add_argument("--repeat", type=int, default=1)
    args = ask.parse_args()
    ThreadingHTTPServer((args.bind, args.port), pages_from(args)).serve_forever()


if __name__ == "__main__":
    main()

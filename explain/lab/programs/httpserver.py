"""An HTTP server with the given pages, and a pause before the first octet where asked."""

from __future__ import annotations

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
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


class Server(ThreadingHTTPServer):
    """A server that does not ask the DNS for its own name when it starts."""

    def server_bind(self) -> None:
        """Bind, and leave the name at what was given."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def main() -> None:
    """Serve for ever."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, required=True)
    ask.add_argument("--bind", default="")
    ask.add_argument("--page", action="append", default=[])
    ask.add_argument("--delay", type=float, default=0.0)
    ask.add_argument("--repeat", type=int, default=1)
    args = ask.parse_args()
    Server((args.bind, args.port), pages_from(args)).serve_forever()


if __name__ == "__main__":
    main()

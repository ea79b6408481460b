"""A local server that speaks the Hugging Face hub's protocol for one repository, and counts what is fetched."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """Serves ``folder`` as ``repo`` and knows no other. ``fault`` is a status to answer everything with."""

    daemon_threads = True

    def __init__(self, repo: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repo, self.folder = repo, folder
        self.fault = 0
        self.fetched: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, *, body: bool = True) -> None:
        path = self.path.partition("?")[0]
        about, files = f"/api/models/{self.server.repo}/", f"/{self.server.repo}/resolve/"
        if self.server.fault:
            self._say(self.server.fault, b"{}")
        elif path.startswith(about + "tree/"):
            names = [{"type": "file", "path": name, "size": 1, "oid": "0"} for name in self._names()]
            self._say(200, json.dumps(names).encode())
        elif path.startswith(about + "revision/"):
            siblings = [{"rfilename": name} for name in self._names()]
            told = {"id": self.server.repo, "sha": COMMIT, "siblings": siblings}
            self._say(200, json.dumps(told).encode())
        elif path.startswith(files):
            name = path.removeprefix(files).partition("/")[2]
            content = (self.server.folder / name).read_bytes()
            self.server.fetched[name] += body
            etag = hashlib.sha256(content).hexdigest()
            self._say(200, content, body=body, ETag=f'"{etag}"', X_Repo_Commit=COMMIT)
        else:
            self._say(404, b'{"error": "Repository not found"}', X_Error_Code="RepoNotFound")

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.server.folder.iterdir())

    def _say(self, status: int, content: bytes, *, body: bool = True, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def hub_server(repo: str, folder: Path) -> Iterator[HubServer]:
    """A server in a thread of its own."""
    with HubServer(repo, folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()

"""A local server that speaks OpenAI's chat completions, counts what it is asked, and can be told to misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, Any] | str]
"""Status, and a body: JSON, or text sent as HTML."""


def completion(text: str) -> dict[str, Any]:
    """A chat completion that says ``text``."""
    return {
        "id": "c", "object": "chat.completion", "created": 0, "model": "local",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101},
    }  # fmt: skip


class ChatServer(ThreadingHTTPServer):
    """Answers every call with ``reply(request body, number of the call from 1)``; by default "3"."""

    daemon_threads = True

    def __init__(self, reply: Callable[[dict[str, Any], int], Reply] | None = None, seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply or (lambda body, call: (200, completion("3")))
        self.seconds = seconds
        self.calls: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """What ``--base-url`` wants."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def total(self) -> int:
        """Calls so far."""
        return sum(self.calls.values())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        raw = self.rfile.read(length)
        if len(raw) < length:  # whoever called was killed while it spoke
            return
        with self.server.lock:
            self.server.calls[raw.decode()] += 1
            number = self.server.total
        time.sleep(self.server.seconds)
        status, body = self.server.reply(json.loads(raw), number)
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-type", "text/html" if isinstance(body, str) else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextmanager
def chat_server(
    reply: Callable[[dict[str, Any], int], Reply] | None = None, seconds: float = 0.0
) -> Iterator[ChatServer]:
    """A server for as long as the block lasts."""
    server = ChatServer(reply, seconds)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

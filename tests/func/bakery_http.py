"""
A small HTTP server for tests of http steps: it keeps each request until the test answers it, so that the test decides who is ready first. In threads of the
test's process, on a free port of the loopback.
"""

import socket
import threading

from bakery_daemon import PATIENCE


class Request:
    """One request that waits for its answer."""

    def __init__(self, connection, method, path, headers, body):
        self.connection = connection
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body

    def answer(self, body=b"", status=200, headers=()):
        head = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}", *headers, "", ""]
        self.connection.sendall("\r\n".join(head).encode() + body)


class Server:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests = []  # all that have come, in the order of their coming
        self.connections = []
        self.news = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection.makefile("rb") as stream:
                while True:
                    line = stream.readline()
                    if not line:
                        return
                    method, path, _ = line.decode().split(" ", 2)
                    headers = {}
                    while (line := stream.readline().decode().rstrip("\r\n")):
                        name, value = line.split(":", 1)
                        headers[name.lower()] = value.strip()
                    body = stream.read(int(headers.get("content-length", 0)))
                    with self.news:
                        self.requests.append(Request(connection, method, path, headers, body))
                        self.news.notify_all()
        except (OSError, ValueError):
            pass

    def wait(self, count):
        """Waits until so many requests have come in all; returns them."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.requests) >= count, PATIENCE):
                raise TimeoutError(f"{len(self.requests)} requests have come, not {count}")
            return list(self.requests)

    def close(self):
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

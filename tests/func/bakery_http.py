"""
A small HTTP server for tests of http steps: it keeps each request until the test answers it, so that the test decides who is ready first. Or a handler answers, in
the connection's thread. On a free port of the loopback; with certificate() and tls() by HTTPS.
"""

import os
import socket
import ssl
import subprocess
import threading

from bakery_daemon import PATIENCE


def end(connection):
    """Both ways, at once."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


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


    def close(self):
        """Whatever has been said."""
        end(self.connection)


def certificate(directory, name, host="127.0.0.1", *args):
    """Makes a certificate of its own authority for this address, by openssl, and returns (certificate, key): paths in the directory."""
    out = [os.path.join(directory, f"{name}.{kind}") for kind in ("crt", "key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-out", out[0], "-keyout", out[1], "-subj", f"/CN={host}", "-addext", f"subjectAltName=IP:{host}", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    return out


def tls(paths):
    """For Server: with this certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return context


class Server:
    """handler(request), when given, is called for each request in its connection's thread; context: of TLS."""

    def __init__(self, handler=None, context=None):
        self.handler = handler
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self.requests = []  # all that have come, in the order of their coming
        self.connections = []
        self.closed = 0  # connections that are at their end
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
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            with connection.makefile("rb") as stream:
                if stream.peek(1)[:1] == b"\x16":  # TLS: as servers do
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    end(connection)
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
                    request = Request(connection, method, path, headers, body)
                    with self.news:
                        self.requests.append(request)
                        self.news.notify_all()
                    if self.handler:
                        self.handler(request)
        except (OSError, ValueError):
            pass
        finally:
            with self.news:
                self.closed += 1
                self.news.notify_all()

    def wait_closed(self, count):
        """Waits until the other side has closed so many connections."""
        with self.news:
            if not self.news.wait_for(lambda: self.closed >= count, PATIENCE):
                raise TimeoutError(f"{self.closed} connections are closed, not {count}")

    def wait(self, count):
        """Waits until so many requests have come in all; returns them."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.requests) >= count, PATIENCE):
                raise TimeoutError(f"{len(self.requests)} requests have come, not {count}")
            return list(self.requests)

    def close(self):
        end(self.listener)  # else it lives for as long as its thread waits
        self.listener.close()
        for connection in self.connections:
            end(connection)
            connection.close()

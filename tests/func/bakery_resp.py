"""
RESP for tests: a connection that sends exactly the bytes that a test says and reads exactly what comes back, and a
parser of both versions that is independent of the project's own. Knows nothing of the daemon but its address.
"""

import socket


class Closed(Exception):
    """The other side closed the connection."""


class Error(Exception):
    """An error reply. As a value it is returned, not raised: Error("NOTFOUND …")."""

    @property
    def code(self):
        return self.args[0].split(" ", 1)[0]

    def __eq__(self, other):
        return isinstance(other, Error) and self.args == other.args

    def __hash__(self):
        return hash(self.args)


class Push(list):
    """An out-of-band message of RESP3."""


class Simple(str):
    """A simple string (+OK), told apart from a bulk string, which is bytes."""


def encode(*args):
    """A request: an array of bulk strings. str is UTF-8, numbers are written in decimal."""
    out = [b"*%d\r\n" % len(args)]
    for arg in args:
        if isinstance(arg, (int, float)):
            arg = str(arg)
        if isinstance(arg, str):
            arg = arg.encode()
        out.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(out)


class Connection:
    """One client. address is a path (Unix socket) or a pair (host, port). Every wait ends after `patience` seconds."""

    def __init__(self, address, patience):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(patience)
        self.sock.connect(address)
        self.input = bytearray()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- bytes

    def send(self, data):
        """Exactly these bytes."""
        self.sock.sendall(data)

    def half_close(self):
        """Nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise TimeoutError(f"no reply; so far unread: {bytes(self.input)!r}") from None
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(f"closed; so far unread: {bytes(self.input[:200])!r}")
        self.input += data

    def read_bytes(self, count):
        while len(self.input) < count:
            self._more()
        out = bytes(self.input[:count])
        del self.input[:count]
        return out

    def read_line(self):
        """One line without its CR LF."""
        while b"\r\n" not in self.input:
            self._more()
        at = self.input.index(b"\r\n")
        out = bytes(self.input[:at])
        del self.input[: at + 2]
        return out

    def expect(self, data):
        """Exactly these bytes come next."""
        got = bytearray()
        try:
            while len(got) < len(data):
                got += self.read_bytes(1)
                if not data.startswith(bytes(got)):
                    break
        except (Closed, TimeoutError) as e:
            raise AssertionError(f"expected {data!r}, got {bytes(got)!r} and then {e}") from None
        assert bytes(got) == data, f"expected {data!r}, got {bytes(got + self.input)!r}"

    def expect_closed(self):
        """Nothing more comes: the server has closed the connection."""
        try:
            self._more()
        except Closed:
            assert not self.input, f"expected the end, got {bytes(self.input)!r}"
            return
        raise AssertionError(f"expected the end, got {bytes(self.input)!r}")

    # ---- values

    def read(self):
        """The next reply or push. Bulk strings are bytes, null is None, maps are dicts with str keys."""
        line = self.read_line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return Simple(rest.decode())
        if kind == b"-":
            return Error(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"#":
            return {b"t": True, b"f": False}[rest]
        if kind == b"$":
            if int(rest) < 0:
                return None
            data = self.read_bytes(int(rest))
            assert self.read_bytes(2) == b"\r\n", "a bulk string does not end with CR LF"
            return data
        if kind == b"*":
            return None if int(rest) < 0 else [self.read() for _ in range(int(rest))]
        if kind == b">":
            return Push(self.read() for _ in range(int(rest)))
        if kind == b"%":
            return {_text(self.read()): self.read() for _ in range(int(rest))}
        raise AssertionError(f"not a reply: {line!r}")

    def call(self, *args):
        """Sends one request, returns its reply."""
        self.send(encode(*args))
        return self.read()

    def pipeline(self, requests):
        """Sends all of them at once, returns all replies."""
        self.send(b"".join(encode(*r) for r in requests))
        return [self.read() for _ in requests]

    def ok(self, *args):
        """The same as call(), for what must not be an error."""
        reply = self.call(*args)
        assert not isinstance(reply, Error), f"{args}: {reply}"
        return reply

    def fails(self, code, *args):
        """The request is answered by an error with this code, whose text is returned."""
        reply = self.call(*args)
        assert isinstance(reply, Error), f"{args}: expected -{code}, got {reply!r}"
        assert reply.code == code, f"{args}: expected -{code}, got -{reply}"
        return str(reply)

    def ask(self, *args):
        """The same as ok(), for a map in either version, with str for bytes."""
        reply = self.ok(*args)
        if isinstance(reply, list):
            reply = {_text(reply[i]): reply[i + 1] for i in range(0, len(reply), 2)}
        return {key: _text(value) for key, value in reply.items()}


def _text(value):
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value

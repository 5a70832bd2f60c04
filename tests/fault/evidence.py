"""
Evidence of what orders of several steps have really done, for tests that kill and starve the daemon. Jobs and an HTTP server write a line into a file of the order
whenever they are asked to do a step; what the daemon's promises say of these lines is judged at the end.

A job keeps a lock on that file for as long as anything of it lives, and writes "clash" when another has it.
"""

import collections
import heapq
import os
import selectors
import socket
import threading
import time

# $1: so many times in all this step of an order fails. It says what it read, with its name and order around it.
JOB = """exec 9>>"$TRACE/$BAKERY_ORDER"
flock -n 9 || echo clash >&9
echo "$BAKERY_STEP" >&9
echo x >>"$TRACE.lines"
sleep "$SLEEP"
test "$(grep -cx "$BAKERY_STEP" "$TRACE/$BAKERY_ORDER")" -gt "$1" || exit 1
printf '[%s %s ' $BAKERY_STEP $BAKERY_ORDER
cat
printf ']'
"""

RECIPES = """
recipes:
  fetch:
    steps:
      - {name: get, http: {url: "@URL@/{order.id}/get", headers: {X-Payload: "{payload}"}}, retries: 5}
      - {name: rest, sleep: 2ms, times: 3}
      - {name: bake, run: [sh, "@DIR@/job", "0"], stdin: "{step.get}"}
    @USUAL@
  pass:
    steps:
      - {name: mix, run: [sh, "@DIR@/job", "0"], stdin: payload}
      - {name: post, http: {url: "@URL@/{order.id}/post", body: "{step.mix}", headers: {X-Payload: "{payload}"}}, retries: 5}
      - {name: bake, run: [sh, "@DIR@/job", "0"], stdin: "{step.post}{step.mix}"}
    @USUAL@
  again:
    steps:
      - {name: mix, run: [sh, "@DIR@/job", "2"], stdin: payload, retries: 3}
      - {name: rest, sleep: 1ms}
      - {name: bake, run: [sh, "@DIR@/job", "1"], stdin: "{step.mix}", retries: 3}
    @USUAL@
  once:
    steps:
      - {name: get, http: {url: "@URL@/{order.id}/get", headers: {X-Payload: "{payload}"}}}
      - {name: mix, run: [sh, "@DIR@/job", "0"], stdin: "{step.get}"}
      - {name: bake, run: [sh, "@DIR@/job", "0"], stdin: "{step.mix}"}
    timeout: 60s
    delivery: at-most-once
    env: {TRACE: "@DIR@/trace", SLEEP: "0.02"}
  quick: {run: [sh, "@DIR@/job", "0"], stdin: payload, timeout: 60s, retries: 1000, poison_after: 1000, env: {TRACE: "@DIR@/trace", SLEEP: "0"}}
  slow: {run: [sh, "@DIR@/job", "0"], stdin: payload, timeout: 60s, retries: 1000, poison_after: 1000, env: {TRACE: "@DIR@/trace", SLEEP: "0.3"}}
"""
USUAL = """timeout: 60s
    retries: 1000
    poison_after: 1000
    backoff: {first: 10ms, max: 20ms}
    env: {TRACE: "@DIR@/trace", SLEEP: "0.02"}"""
# The steps that leave evidence, in their order, and how often each must have been done when the order is done.
STEPS = {
    "fetch": {"get": 1, "bake": 1},
    "pass": {"mix": 1, "post": 1, "bake": 1},
    "again": {"mix": 3, "bake": 2},
    "once": {"get": 1, "mix": 1, "bake": 1},
    "quick": {"run": 1},
    "slow": {"run": 1},
}
SEVERAL = ("fetch", "pass", "again", "once")


def recipes(url, directory):
    """The recipes, for a daemon with this private directory; the jobs' script is put there."""
    with open(os.path.join(directory, "job"), "w", encoding="utf-8") as f:
        f.write(JOB)
    os.mkdir(os.path.join(directory, "trace"))
    return RECIPES.replace("@USUAL@", USUAL).replace("@URL@", url)


def result(recipe, order, payload):
    """What an order that is done has as its result."""

    def did(step, what):
        return f"[{step} {order} {what}]"

    if recipe == "fetch":
        return did("bake", did("get", ""))
    if recipe == "pass":
        return did("bake", did("post", did("mix", payload)) + did("mix", payload))
    if recipe == "again":
        return did("bake", did("mix", payload))
    if recipe in ("quick", "slow"):
        return did("run", payload)
    return did("bake", did("mix", did("get", "")))


def trace(directory, order):
    """What was done for an order, in the order in which it was begun."""
    try:
        with open(os.path.join(directory, "trace", order), encoding="utf-8") as f:
            return f.read().split()
    except FileNotFoundError:
        return []


def lines(directory):
    """How many jobs have begun: to see that there is progress."""
    try:
        return os.path.getsize(os.path.join(directory, "trace.lines")) // 2
    except FileNotFoundError:
        return 0


def judge(recipe, order, did, done):
    """Whether what was done for an order is what is promised."""
    assert "clash" not in did, f"two jobs of order {order} ran at once: {did}"
    wanted = STEPS[recipe]
    places = [list(wanted).index(step) for step in did]
    assert places == sorted(places), f"{recipe} {order}: a step was repeated after its result was durable: {did}"
    counts = collections.Counter(did)
    for step, least in wanted.items():
        assert recipe != "once" or counts[step] <= 1, f"order {order}: at most once, and yet {did}"
        assert not done or counts[step] >= least, f"{recipe} {order} is done, and {step} was not done {least} times: {did}"


class Host:
    """
    An HTTP server that writes evidence: POST or GET /ORDER/STEP is answered with the body, and step and order around it. `behave(payload, step, nth)`, when given,
    says (seconds to wait, what to do then): "answer", "busy" (503), "close" (without an answer), "break" (in the middle of it).

    One thread, and all that has arrived is read and written down before anything is answered: so the lines of the trace are in the order in which things happened.
    """

    def __init__(self, behave=None):
        self.behave = behave or (lambda payload, step, nth: (0, "answer"))
        self.directory = None  # of the daemon
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.wake, self.waker = socket.socketpair()
        self.selector.register(self.wake, selectors.EVENT_READ)
        self.input = {}
        self.waiting = []  # heap of (when, number, connection, what, step, order, body)
        self.requests = collections.Counter()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.waker.send(b"x")
        self.thread.join()
        for s in [self.listener, self.wake, self.waker, *self.input]:
            s.close()
        self.selector.close()

    def _serve(self):
        while True:
            pause = max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            ready = [key.fileobj for key, _ in self.selector.select(pause)]
            if self.wake in ready:
                return
            for s in ready:
                if s is self.listener:
                    self._accept()
                else:
                    self._read(s)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                self._answer(*heapq.heappop(self.waiting)[2:])

    def _accept(self):
        try:
            while True:
                s, _ = self.listener.accept()
                s.setblocking(False)
                self.input[s] = b""
                self.selector.register(s, selectors.EVENT_READ)
        except BlockingIOError:
            pass

    def _forget(self, s):
        if self.input.pop(s, None) is not None:
            self.selector.unregister(s)
            s.close()

    def _read(self, s):
        try:
            data = s.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._forget(s)
            return
        self.input[s] += data
        head, end, rest = self.input[s].partition(b"\r\n\r\n")
        if not end:
            return
        request, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.input[s] = rest[length:]
        _, order, step = request.split(" ")[1].split("/")
        self._asked(s, step, order, headers["x-payload"], rest[:length])

    def _asked(self, s, step, order, payload, body):
        fd = os.open(os.path.join(self.directory, "trace", order), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(fd, f"{step}\n".encode())
        os.close(fd)
        self.requests[order, step] += 1
        pause, what = self.behave(payload, step, self.requests[order, step])
        heapq.heappush(self.waiting, (time.monotonic() + pause, sum(self.requests.values()), s, what, step, order, body))

    def _answer(self, s, what, step, order, body):
        if s not in self.input:
            return
        body = b"[%s %s %s]" % (step.encode(), order.encode(), body)
        status = "503 Busy" if what == "busy" else "200 OK"
        answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        try:
            if what == "break":
                s.send(answer[:-1])
            elif what != "close":
                s.send(answer)
        except OSError:
            pass
        if what in ("break", "close"):
            self._forget(s)

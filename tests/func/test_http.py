"""
http steps with the real daemon, as an operator meets them: servers that hang, trickle, lie, close early and ask for patience; certificates; the limit of a
host; cancel, drain, and no descriptors left. Servers answer when the test says so, and the clock is the test's.
"""

import os
import resource
import shutil
import threading

import bakery_http
from bakery_http import Server
from bakery_test import BAKERY, Case, Error, Skip, main

HOUR = 3600  # the clock goes on by itself too, but not so far
NO_PAUSE = "backoff: {first: 1ms, max: 1ms, jitter: 0%}"


def step(what, *more):
    """A recipe of one http step."""
    return f"{{steps: [{{name: ask, http: {{url: {what}}}}}], {', '.join(['timeout: 1d', *more])}}}"


class Http(Case):
    def set_up(self):
        super().set_up()
        self.servers = []

    def tear_down(self):
        super().tear_down()
        for server in self.servers:
            server.close()

    def server(self, handler=None, context=None):
        self.servers.append(Server(handler, context))
        return self.servers[-1]

    def bakery(self, recipes, top="", **options):
        """recipes: {name: text}."""
        text = "".join(f"  {name}: {recipe}\n" for name, recipe in recipes.items())
        return self.daemon(f"log: {{level: debug}}\n{top}recipes:\n{text}", **options)

    @staticmethod
    def end(c, number, state, cause, message="", attempt=1):
        """Waits for the end of an order, which must be this one. Its status."""
        status = c.ask("AWAIT", "60s", number)
        assert (status["state"], status["cause"], status["attempt"]) == (state, cause, attempt), status
        assert message in (status["message"] or ""), status
        return status

    @staticmethod
    def waits(d, number, what, times=1):
        """Until an order waits for this."""
        d.wait_log(rf"step gives way.*\border={int(number)}\b.*\bfor={what}\b", times)
        with d.connect() as c:  # the line is written just before it waits
            c.ok("PING")
            c.ok("PING")

    # ---- answers

    def test_each_status(self):
        def handle(request):
            status = int(request.path.split("/")[1])
            request.answer(b"" if status == 204 else b"told %d\n" % status, status)

        server = self.server(handle)
        again = step(f'"{server.url}/{{status}}", expect: [2xx, 418]', NO_PAUSE).replace("}}],", "}, retries: 1}],")
        d = self.bakery({"ask": again.replace("{steps", '{params: {status: {type: string}}, steps')})
        with d.connect(3) as c:
            for status in (200, 201, 204, 299, 418):
                number = c.ok("ORDER", "ask", '{"status":"%d"}' % status)
                self.end(c, number, "done", None)
                assert c.ok("RESULT", number) == (b"" if status == 204 else b"told %d\n" % status)
            for status in (300, 301, 304, 307, 400, 401, 403, 404, 409, 410, 422, 451, 499):
                before = len(server.requests)
                number = c.ok("ORDER", "ask", '{"status":"%d"}' % status)
                self.end(c, number, "failed", "http", f"status {status}")
                assert len(server.requests) == before + 1, f"{status} was asked again"
            for status in (408, 425, 429, 500, 502, 503, 504, 599):
                before = len(server.requests)
                number = c.ok("ORDER", "ask", '{"status":"%d"}' % status)
                self.end(c, number, "failed", "http", f"GET {server.url}/{status}: status {status}: told {status}")
                keys = [r.headers["idempotency-key"] for r in server.requests[before:]]
                assert len(keys) == 2 and keys[0] == keys[1], keys

    def test_big_and_binary_answers_and_the_limit(self):
        big = bytes(range(256)) * 4096

        def handle(request):
            if request.path == "/big":
                request.answer(big)
            elif request.path == "/more":
                request.answer(big + b"x")
            else:  # for ever, without a length
                request.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    request.connection.sendall(big)

        server = self.server(handle)
        d = self.bakery({name: step(f"{server.url}/{name}") for name in ("big", "more", "endless")})
        with d.connect(3) as c:
            number = c.ok("ORDER", "big", "")
            self.end(c, number, "done", None)
            assert c.ok("RESULT", number) == big
            for name in ("more", "endless"):
                self.end(c, c.ok("ORDER", name, ""), "failed", "http", f"the answer is longer than result_max, {len(big)} bytes")
        server.wait_closed(2)

    def test_a_server_that_closes_early(self):
        def handle(request):
            count = len([r for r in server.requests if r.path == request.path])
            if request.path == "/twice" and count == 3:
                request.answer(b"at last")
                return
            if count == 2 or request.path == "/half":
                request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            request.close()

        server = self.server(handle)
        names = ("twice", "half", "never")
        d = self.bakery({name: step(f"{server.url}/{name}", NO_PAUSE).replace("}}],", "}, retries: 2}],") for name in names})
        with d.connect(3) as c:
            number = c.ok("ORDER", "twice", "")
            self.end(c, number, "done", None)
            assert c.ok("RESULT", number) == b"at last"
            self.end(c, c.ok("ORDER", "half", ""), "failed", "http", "the connection was closed before the end of the answer")
            self.end(c, c.ok("ORDER", "never", ""), "failed", "http", "the connection was closed before")
        assert len(server.requests) == 9, len(server.requests)

    def test_redirects_in_circles(self):
        def handle(request):
            request.answer(b"", 302, [f"Location: {'/b' if request.path == '/a' else '/a'}"])

        server = self.server(handle)
        d = self.bakery({"ask": step(f"{server.url}/a, redirects: 3", "retries: 3", NO_PAUSE)})
        with d.connect(3) as c:
            self.end(c, c.ok("ORDER", "ask", ""), "failed", "http", "redirected more than 3 times")
        assert [r.path for r in server.requests] == ["/a", "/b", "/a", "/b"]

    # ---- nobody there

    def test_a_name_that_does_not_exist_and_a_port_without_a_server(self):
        gone = Server()
        gone.close()
        d = self.bakery({
            "name": step("http://nowhere.invalid/x", "retries: 1", NO_PAUSE),
            "port": step(f"{gone.url}/x", "retries: 1", NO_PAUSE),
        })
        with d.connect(3) as c:
            self.end(c, c.ok("ORDER", "name", ""), "failed", "http", "GET http://nowhere.invalid/x: cannot look up the host", 2)
            self.end(c, c.ok("ORDER", "port", ""), "failed", "http", f"GET {gone.url}/x: cannot connect: Connection refused", 2)

    def test_certificates(self):
        if not shutil.which("openssl"):
            raise Skip("openssl is not installed (Debian: openssl)")
        good, other, elsewhere = (bakery_http.certificate(self.dir, n, h)
                                  for n, h in (("good", "127.0.0.1"), ("other", "127.0.0.1"), ("elsewhere", "127.0.0.2")))

        def handle(request):
            request.answer(b"secret")

        server = self.server(handle, bakery_http.tls(good))
        stranger = self.server(handle, bakery_http.tls(elsewhere))
        plain = self.server(handle)
        d = self.bakery({
            "good": step(f"{server.url}/, ca: {good[0]}"),
            "system": step(f"{server.url}/"),
            "other": step(f"{server.url}/, ca: {other[0]}"),
            "elsewhere": step(f"{stranger.url}/, ca: {elsewhere[0]}"),
            "plain": step(f"https://127.0.0.1:{plain.port}/"),
        })
        with d.connect(3) as c:
            number = c.ok("ORDER", "good", "")
            self.end(c, number, "done", None)
            assert c.ok("RESULT", number) == b"secret"
            for name in ("system", "other", "elsewhere"):
                self.end(c, c.ok("ORDER", name, ""), "failed", "http", "the server's certificate is not trusted")
            self.end(c, c.ok("ORDER", "plain", ""), "failed", "http", "no TLS connection")
        assert len(server.requests) == 1 and not stranger.requests and not plain.requests

    # ---- time

    def test_a_server_that_hangs_and_one_that_trickles(self):
        server = self.server()
        d = self.bakery({name: step(f"{server.url}/{name}, timeout: 10h") for name in ("hang", "trickle")}, clock=True)
        with d.connect(3) as c:
            hang = c.ok("ORDER", "hang", "")
            server.wait(1)
            trickle = c.ok("ORDER", "trickle", "")
            request = server.wait(2)[1]
            for number in (hang, trickle):
                self.waits(d, number, "http")
            request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _ in range(3):
                request.connection.sendall(b"x")
                c.ok("PING")
                d.clock.advance(3 * HOUR)
            assert c.ask("STATUS", hang)["state"] == c.ask("STATUS", trickle)["state"] == "running"
            d.clock.advance(HOUR)
            self.end(c, hang, "failed", "timeout", f"GET {server.url}/hang: the time of 36000000 ms was over before an answer")
            self.end(c, trickle, "failed", "timeout", "the time of 36000000 ms was over before the end of the answer")
        server.wait_closed(2)

    def test_the_attempts_time_covers_all_tries(self):
        server = self.server()
        recipe = f"{{steps: [{{name: ask, http: {{url: {server.url}/, timeout: 10h}}, retries: 9}}], timeout: 15h, backoff: {{first: 1h, max: 1h, jitter: 0%}}}}"
        d = self.bakery({"ask": recipe}, clock=True)
        with d.connect(3) as c:
            number = c.ok("ORDER", "ask", "")
            self.waits(d, number, "http")
            d.clock.advance(10 * HOUR)
            self.waits(d, number, "backoff")
            d.clock.advance(HOUR)
            self.waits(d, number, "http", 2)
            d.clock.advance(4 * HOUR)
            self.end(c, number, "failed", "timeout", "before an answer")

    def test_a_server_that_asks_for_patience_has_it(self):
        def handle(request):
            if len([r for r in server.requests if r.path == request.path]) == 1:
                request.answer(b"", 503, [f"Retry-After: {request.path[1:]}"])
            else:
                request.answer(b"ready")

        server = self.server(handle)
        backoff = "backoff: {first: 1s, max: 100h, jitter: 0%}"
        d = self.bakery({
            "patient": step(f"{server.url}/{20 * HOUR}", backoff).replace("}}],", "}, retries: 1}],"),
            "capped": step(f"{server.url}/{1000 * HOUR}", backoff, "retries: 1"),  # an attempt's pause, not a step's
            "nap": "{steps: [{sleep: 19h}], timeout: 1d}",
        }, clock=True)
        with d.connect(3) as c:
            patient, capped = c.ok("ORDER", "patient", ""), c.ok("ORDER", "capped", "")
            self.waits(d, patient, "backoff")
            d.wait_until(lambda: c.ask("STATUS", capped)["state"] == "scheduled", "a pause")
            nap = c.ok("ORDER", "nap", "")
            self.waits(d, nap, "sleep")
            d.clock.advance(19 * HOUR)
            self.end(c, nap, "done", None)
            assert len(server.requests) == 2, "asked again before its time"
            assert c.ask("EXPLAIN", patient)["waits_for"] == "backoff"
            d.clock.advance(HOUR)
            self.end(c, patient, "done", None)
            assert c.ask("STATUS", capped)["state"] == "scheduled"
            d.clock.advance(80 * HOUR)
            self.end(c, capped, "done", None, attempt=2)

    # ---- limits

    def test_the_limit_of_a_host(self):
        server, other = self.server(), self.server()
        d = self.bakery({"ask": step(f"{server.url}/"), "other": step(f"{other.url}/")}, "limits: {http_per_host: 2}\n")
        with d.connect(3) as c:
            ids = []
            for i in range(5):
                ids.append(c.ok("ORDER", "ask", ""))
                self.waits(d, ids[i], "http" if i < 2 else "host")
            one = c.ok("ORDER", "other", "")
            other.wait(1)[0].answer(b"other")
            self.end(c, one, "done", None)
            steps = c.ok("STATS")["steps"]
            assert (steps["active"], steps["waiting"]) == (2, 3), steps
            assert [c.ask("EXPLAIN", i)["waits_for"] for i in ids] == ["http"] * 2 + ["host"] * 3
            for answered in range(5):
                requests = server.wait(min(answered + 2, 5))
                c.ok("PING")
                assert len(server.requests) <= answered + 2, "more than two at once"
                requests[answered].answer(b"%d" % answered)
                d.wait_until(lambda: sum(c.ask("STATUS", i)["state"] == "done" for i in ids) == answered + 1, "an end")
            assert sorted(c.ok("RESULT", i) for i in ids) == [b"0", b"1", b"2", b"3", b"4"]

    def test_no_descriptor_is_left(self):
        server = self.server()
        recipes = {
            "again": step(f"{server.url}/", NO_PAUSE.replace("1ms", "50ms"), "retries: 100000"),
            "hard": step(f"{server.url}/hard"),
        }
        d = self.bakery(recipes, "pools: {default: {workers: 1}}\n")
        (front,) = d.pids("front")
        with d.connect(3) as c:
            first = c.ok("ORDER", "again", "")
            server.wait(1)
            used = [int(fd) for fd in os.listdir(f"/proc/{front}/fd")]
            before = resource.prlimit(front, resource.RLIMIT_NOFILE)
            resource.prlimit(front, resource.RLIMIT_NOFILE, (max(used) + 4, before[1]))
            ids = [first] + [c.ok("ORDER", "again", "") for _ in range(20)]
            d.wait_log("step ends.*cause=spawn", 20)
            self.end(c, c.ok("ORDER", "hard", ""), "failed", "spawn", "Too many open files")
            error = d.bakery_error([69, 75, 125], "order", "hard", "--wait")
            assert error, "the client is not told"
            # As the requests under way are answered, others come.
            stop = threading.Event()

            def answer():
                answered = 0
                while not stop.is_set():
                    with server.news:
                        server.news.wait_for(lambda: len(server.requests) > answered or stop.is_set(), 1)
                        waiting = server.requests[answered:]
                    for request in waiting:
                        request.answer(b"here")
                    answered += len(waiting)

            helper = threading.Thread(target=answer)
            helper.start()
            try:
                for number in ids:
                    status = c.ask("AWAIT", "60s", number)
                    assert status["state"] == "done", status
                    assert c.ok("RESULT", number) == b"here"
                resource.prlimit(front, resource.RLIMIT_NOFILE, before)
                assert d.bakery("order", "hard", "--wait") == "here"
            finally:
                stop.set()
                helper.join()
        assert d.pids("front") == [front], "the front has died"

    # ---- from outside

    def test_a_cancel_in_each_wait(self):
        server = self.server()
        d = self.bakery({
            "sleep": "{steps: [{sleep: 1h}], timeout: 1d}",
            "http": step(f"{server.url}/"),
            "host": step(f"{server.url}/"),
            "backoff": "{steps: [{run: ['false'], retries: 1}], timeout: 1d, backoff: {first: 1h, max: 1h}}",
            "job": "{steps: [{sleep: 0s}, {run: [sleep, '600']}], timeout: 1d}",
            "worker": "{steps: [{sleep: 0s}, {run: [sleep, '600']}], timeout: 1d}",
        }, "limits: {http_per_host: 1}\npools: {default: {workers: 1}}\n")
        ids = {}
        with d.connect(3) as c:
            for what in ("sleep", "http", "host", "backoff", "job", "worker"):
                ids[what] = c.ok("ORDER", what, "")
                self.waits(d, ids[what], what)
                # A first step that is a command begins while its start is on its way to the disk.
                explain = d.wait_until(lambda: (e := c.ask("EXPLAIN", ids[what]))["state"] == "running" and e, "the start")
                assert explain["waits_for"] == what, explain
                status = c.ask("STATUS", ids[what])
                assert (status["waits_for"], status["step"]) == (what, "ask" if what in ("http", "host") else status["step"]), status
            for what in ("worker", "host", "http", "sleep", "backoff", "job"):
                assert c.ok("CANCEL", ids[what]) == 1
                self.end(c, ids[what], "cancelled", "cancelled")
            server.wait_closed(1)
            assert len(server.requests) == 1
            # Turns and workers are free again.
            number = c.ok("ORDER", "http", "")
            server.wait(2)[1].answer(b"yes")
            self.end(c, number, "done", None)
            steps = c.ok("STATS")["steps"]
            assert (steps["active"], steps["waiting"]) == (0, 0), steps

    def test_a_drain_without_grace_sends_the_request_again_later(self):
        server = self.server()
        d = self.bakery({"ask": step(f"{server.url}/"), "nap": "{steps: [{sleep: 1h}], timeout: 1d}"}, clock=True)
        with d.connect(3) as c:
            number, nap = c.ok("ORDER", "ask", ""), c.ok("ORDER", "nap", "")
        server.wait(1)
        self.waits(d, nap, "sleep")
        d.stop()
        server.wait_closed(1)
        d.start()
        requests = server.wait(2)
        assert requests[0].headers["idempotency-key"] == requests[1].headers["idempotency-key"]
        requests[1].answer(b"yes")
        self.waits(d, nap, "sleep", 2)
        d.clock.advance(HOUR)
        with d.connect(3) as c:
            self.end(c, number, "done", None, attempt=2)
            self.end(c, nap, "done", None, attempt=2)

    def test_a_drain_with_grace_takes_the_answer(self):
        server = self.server()
        two = step(f"{server.url}/").replace("}}],", "}}, {name: bake, run: [cat], stdin: '{step.ask}'}],")
        d = self.bakery({"one": step(f"{server.url}/"), "two": two}, "shutdown: {grace: 60s}\n")
        with d.connect(3) as c:
            one, two = c.ok("ORDER", "one", ""), c.ok("ORDER", "two", "")
        server.wait(2)
        d.send_signal(15)
        d.wait_log("front: draining")
        for request in server.requests:
            request.answer(b"in time")
        assert d.wait() == 0
        d.start()
        with d.connect(3) as c:
            self.end(c, one, "done", None)
            self.end(c, two, "done", "exit", attempt=2)
            assert c.ok("RESULT", one) == c.ok("RESULT", two) == b"in time"
        assert len(server.requests) == 2, "an answer that was there has been asked for again"

    def test_what_the_command_line_says(self):
        def handle(request):
            if request.path == "/good":
                request.answer(b"cake\n")
            elif request.path == "/bad":
                request.answer(b"no \x1b[31mcake\n", 404)

        server = self.server(handle)
        d = self.bakery({
            "good": step(f"{server.url}/good"),
            "bad": step(f"{server.url}/bad"),
            "hang": step(f"{server.url}/hang, timeout: 1ms"),
        })
        out, err = d.run([BAKERY, "order", "good", "--wait"])
        assert out == "cake\n" and err.startswith("bakery: order "), (out, err)
        err = d.bakery_error(125, "order", "bad", "--wait")
        assert f"GET {server.url}/bad: status 404: no " in err and "\x1b" not in err, err
        err = d.bakery_error(125, "order", "hang", "--wait")
        assert "longer than it may" in err and "the time of 1 ms was over" in err, err
        number = d.bakery("list", "--recipe", "bad").split("\n")
        assert any("http" in line for line in number), number


main()

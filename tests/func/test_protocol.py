"""The protocol byte for byte: golden bytes of both dialects, malformed requests, limits exactly at their bounds, strangers."""

import re

from bakery_test import Case, Error, encode, main

CONFIG = """
recipes:
  cake:
    description: a cake
    params:
      flavour: {type: string, one_of: [sponge, madeira], required: true}
      eggs: {type: integer, min: 1, max: 12, default: 3}
    run: [echo, "{flavour}", "{eggs}"]
    timeout: 30s
    retries: 2
  copy: {run: [cat], timeout: 30s}
  never: {run: ["true"], timeout: none}
"""

TCP = CONFIG + """
listen: [{unix: @DIR@/s}, {tcp: "127.0.0.1:0"}]
users: [{name: shop, password: "scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", allow: ["*"]}]
"""


def tcp_address(daemon):
    line = daemon.wait_log(r"listening .*127\.0\.0\.1:")[0]
    return ("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", line)[1]))


STATUS_FIELDS = ("id recipe state attempt retries retries_left priority created due queued started finished step waits_for pool cause exit signal "
                 "message result_bytes result_cut key seq user by reason").split()


TASK_FIELDS = "name about id state waits_for age since stack stack_used".split()


class Golden(Case):
    """Each verb, each dialect, to the byte, but for numbers that the day decides."""

    def done(self, c):
        """A finished cake's id."""
        id = c.ok("ORDER", "cake", '{"flavour":"sponge"}', "KEY", "k").decode()
        c.ok("AWAIT", "0", id)
        return id

    def status_bytes(self, c, resp):
        """The reply to STATUS, its numbers as they are in it."""
        id = self.done(c)
        c.send(encode("STATUS", id))
        map = c.read()
        if resp == 2:
            assert [map[i].decode() for i in range(0, len(map), 2)] == STATUS_FIELDS
            map = {map[i].decode(): map[i + 1] for i in range(0, len(map), 2)}
        assert list(map) == STATUS_FIELDS, list(map)
        text = lambda s: b"$%d\r\n%s\r\n" % (len(s), s)
        number = lambda n: b":%d\r\n" % n
        null = b"_\r\n" if resp == 3 else b"$-1\r\n"
        no = b"#f\r\n" if resp == 3 else b":0\r\n"
        assert map["created"] <= map["queued"] <= map["started"] <= map["finished"]
        values = {
            "id": text(id.encode()), "recipe": text(b"cake"), "state": text(b"done"), "attempt": number(1), "retries": number(2), "retries_left": number(0),
            "priority": number(0), "created": number(map["created"]), "due": null, "queued": number(map["queued"]),
            "started": number(map["started"]), "finished": number(map["finished"]), "step": null, "waits_for": null, "pool": text(b"default"), "cause": text(b"exit"),
            "exit": number(0), "signal": null, "message": null, "result_bytes": number(9), "result_cut": no, "key": text(b"k"),
            "seq": text(map["seq"]), "user": text(map["user"]), "by": null, "reason": null,
        }
        head = b"%%%d\r\n" % len(values) if resp == 3 else b"*%d\r\n" % (2 * len(values))
        c.send(encode("STATUS", id))
        c.expect(head + b"".join(text(k.encode()) + v for k, v in values.items()))
        return id, head + b"".join(text(k.encode()) + v for k, v in values.items())

    @staticmethod
    def flat(map):
        """A map as RESP2 has it."""
        return [x for k, v in map.items() for x in (k.encode(), v)]

    def verbs(self, resp):
        d = self.daemon(CONFIG)
        c = d.connect(resp)
        three = resp == 3
        null, null_array = (b"_\r\n", b"_\r\n") if three else (b"$-1\r\n", b"*-1\r\n")
        id, status = self.status_bytes(c, resp)

        def golden(expected, *request):
            c.send(encode(*request))
            c.expect(expected)

        golden(b"$%d\r\n%s\r\n" % (len(id), id.encode()), "ORDER", "cake", '{"flavour": "sponge", "eggs": 3}', "KEY", "k")
        golden(b"-KEYCONFLICT %s " % id.encode(), "ORDER", "cake", '{"flavour":"madeira"}', "KEY", "k")
        c.read_line()
        golden(b"$9\r\nsponge 3\n\r\n", "RESULT", id)
        golden(b"$4\r\nonge\r\n", "result", id, "offset", "2", "len", "4")
        golden(b"$0\r\n\r\n", "RESULT", id, "OFFSET", "100")
        golden(status, "AWAIT", "1s", id)
        golden(b"*1\r\n" + status, "AWAIT", "1s", id, "ALL")
        golden(b":0\r\n", "CANCEL", id)
        golden(b"*2\r\n$1\r\n0\r\n*1\r\n" + status, "LIST")
        golden(b"*2\r\n$1\r\n0\r\n*0\r\n", "LIST", "STATE", "failed,running")
        golden(b"*2\r\n$1\r\n0\r\n*0\r\n", "LIST", "UNTIL", "0")
        c.ok("PAUSE", "RECIPE", "copy", "REASON", "stock-taking")
        waiting = c.ok("ORDER", "copy", "x").decode()
        golden(null, "RESULT", waiting)
        golden(null_array, "AWAIT", "1", waiting)
        golden(null_array, "AWAIT", "1", waiting, id, "ALL")
        explain = c.ask("EXPLAIN", waiting)
        assert list(explain) == ["id", "state", "waits_for", "place", "text"], explain
        assert explain["text"].endswith(" has paused the recipe: stock-taking."), explain
        assert explain["state"] == "queued" and explain["waits_for"] == "paused" and explain["place"] == 0, explain
        golden(b":1\r\n", "CANCEL", waiting, "REASON", "no time")
        cancelled = c.ask("STATUS", waiting)
        assert cancelled["by"] == cancelled["user"] and cancelled["reason"] == "no time", cancelled
        assert re.search(r"^It was cancelled by \S+ at \S+Z\.$", c.ask("EXPLAIN", waiting)["text"])
        golden(b"+OK\r\n", "RESUME", "RECIPE", "copy")
        recipe = c.ask("RECIPES", "cake")
        assert recipe["retries"] == 2 and recipe["timeout"] == 30000 and recipe["done"] == 1, recipe
        assert recipe["paused"] is False if three else recipe["paused"] == 0
        assert c.ask("RECIPES", "never")["timeout"] is None and c.ask("RECIPES", "never")["params"] is None
        assert len(c.ok("RECIPES")) == 3
        step = {"name": b"run", "kind": b"run", "pool": b"default"}
        assert recipe["pool"] == "default" and recipe["steps"] == [step if three else self.flat(step)], recipe
        stats = c.ask("STATS")
        assert {"daemon", "orders", "store", "sched", "pools", "clients", "loop"} <= set(stats), stats
        tasks = [t if three else {k.decode(): v for k, v in zip(t[::2], t[1::2])} for t in c.ok("TASKS")]
        assert tasks and all(list(t) == TASK_FIELDS for t in tasks), tasks
        assert [(t["about"], t["state"]) for t in tasks if t["name"] == b"tasks"] == [(b"client", b"running")], tasks
        assert len(c.ok("TASKS", "COUNT", "1")) == 1
        # and those that libraries send
        golden(b"+PONG\r\n", "PING")
        golden(b"$2\r\nhi\r\n", "ping", "hi")
        golden(b"$3\r\n\x00\r\n\r\n", "ECHO", b"\0\r\n")
        golden(b"+OK\r\n", "SELECT", "0")
        golden(b"-ERR DB index is out of range\r\n", "SELECT", "1")
        golden(b"+OK\r\n", "READONLY")
        golden(b"+OK\r\n", "CLIENT", "SETNAME", "me")
        golden(b"$2\r\nme\r\n", "CLIENT", "GETNAME")
        golden(b"+OK\r\n", "CLIENT", "SETINFO", "LIB-NAME", "x")
        golden(b"-ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.\r\n", "CLIENT", "TRACKING", "ON")
        golden(b"%0\r\n" if three else b"*0\r\n", "CONFIG", "GET", "save")
        seconds, micros = c.ok("TIME")
        assert int(seconds) > 1700000000 and 0 <= int(micros) < 1000000
        info = c.ok("INFO").decode()
        for line in ("redis_version:7.4.0", "redis_mode:standalone", "role:master", "loading:0"):
            assert line + "\r\n" in info, info
        assert "# Replication" not in c.ok("INFO", "server").decode()
        hello = c.ask("HELLO")
        assert hello["proto"] == resp and hello["server"] == "redis" and hello["max_payload"] == 1048576, hello
        golden(b"+RESET\r\n", "RESET")
        golden(b"+OK\r\n", "QUIT")
        c.expect_closed()

    def test_every_verb_in_RESP2(self):
        self.verbs(2)

    def test_every_verb_in_RESP3(self):
        self.verbs(3)

    def test_COMMAND_tells_about_every_verb(self):
        d = self.daemon(CONFIG)
        c = d.connect(3)
        names = [name.decode() for name in c.ok("COMMAND", "LIST")]
        assert names == sorted(names) and "order" in names
        assert c.ok("COMMAND", "COUNT") == len(names)
        docs = c.ok("COMMAND", "DOCS")
        assert sorted(docs) == names
        for name, doc in docs.items():
            assert doc["summary"] and doc["since"] and doc["group"], name
        arguments = docs["order"]["arguments"]
        assert [(a["name"], a.get("token"), [str(f) for f in a.get("flags", [])]) for a in arguments] == [
            (b"recipe", None, []), (b"payload", None, []), (b"key", b"KEY", ["optional"]), (b"priority", b"PRIORITY", ["optional"]),
            (b"duration", b"DELAY", ["optional"]), (b"duration", b"TIMEOUT", ["optional"]), (b"count", b"RETRIES", ["optional"])]
        assert list(c.ok("COMMAND", "DOCS", "order", "none")) == ["order"]
        info = c.ok("COMMAND", "INFO", "order", "none")
        assert info[0][0] == b"order" and info[0][1] == -3 and len(info[0]) == 10 and info[1] is None
        assert [entry[0].decode() for entry in c.ok("COMMAND")] == names


class Requests(Case):
    def test_what_is_wrong_is_said(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        for code, *request in (
            ("ERR", "BAKE", "a", "cake"),
            ("ERR", "GET", "x"),
            ("ERR", "TASKS", "ALL"),
            ("BADARG", "TASKS", "COUNT", "0"),
            ("BADARG", "TASKS", "COUNT", "100001"),
            ("ERR", "XREAD", "STREAMS", "events", "0"),
            ("ERR", "ORDER", "cake"),
            ("ERR", "STATUS"),
            ("ERR", "STATUS", "1", "2"),
            ("ERR", "ORDER", "cake", '{"flavour":"sponge"}', "UNIQUE", "k"),
            ("ERR", "ORDER", "cake", '{"flavour":"sponge"}', "KEY"),
            ("ERR", "ORDER", "cake", '{"flavour":"sponge"}', "KEY", "a", "key", "b"),
            ("ERR", "ORDER", "cake", '{"flavour":"sponge"}', "PRIORITY", "high"),
            ("ERR", "ORDER", "cake", '{"flavour":"sponge"}', "DELAY", "soon"),
            ("BADARG", "ORDER", "cake", '{"flavour":"sponge"}', "PRIORITY", "101"),
            ("BADARG", "ORDER", "cake", '{"flavour":"sponge"}', "RETRIES", "3"),
            ("BADARG", "ORDER", "cake", '{"flavour":"sponge"}', "TIMEOUT", "31s"),
            ("TOOBIG", "ORDER", "cake", '{"flavour":"sponge"}', "KEY", "k" * 257),
            ("NORECIPE", "ORDER", "tart", "{}"),
            ("NORECIPE", "ORDER", "", "{}"),
            ("NORECIPE", "ORDER", b"cake\0", "{}"),
            ("BADARG", "ORDER", "cake", "{}"),
            ("BADARG", "ORDER", "cake", '{"flavour":"chocolate"}'),
            ("BADARG", "ORDER", "cake", '{"flavour":"sponge","eggs":"3"}'),
            ("BADARG", "ORDER", "cake", '{"flavour":"sponge","icing":true}'),
            ("BADARG", "ORDER", "cake", "not JSON"),
            ("BADARG", "ORDER", "cake", b"\xff\xfe\0"),
            ("BADARG", "ORDER", "cake", "[" * 5000),
            ("BADID", "STATUS", "x"),
            ("BADID", "STATUS", ""),
            ("BADID", "STATUS", "-1"),
            ("BADID", "STATUS", "99999999999999999999"),
            ("BADID", "AWAIT", "1s", "ALL"),
            ("NOTFOUND", "STATUS", "1"),
            ("NOTFOUND", "RESULT", "1"),
            ("NOTFOUND", "CANCEL", "1"),
            ("NOTFOUND", "EXPLAIN", "1"),
            ("NOTFOUND", "AWAIT", "10m", "1"),
            ("ERR", "RESULT", "1", "OFFSET", "x"),
            ("ERR", "AWAIT", "never", "1"),
            ("BADARG", "AWAIT", "601s", "1"),
            ("BADARG", "AWAIT", "1s", *["1"] * 257),
            ("BADARG", "LIST", "STATE", "burnt"),
            ("BADARG", "LIST", "CAUSE", "hunger"),
            ("BADARG", "LIST", "COUNT", "1001"),
            ("ERR", "LIST", "SINCE", "yesterday"),
            ("ERR", "PAUSE", "POOL", "default"),
            ("NORECIPE", "PAUSE", "RECIPE", "tart"),
            ("ERR", "RESUME", "RECIPE", "cake", "REASON", "x"),
            ("BADARG", "PAUSE", "RECIPE", "copy", "REASON", "stock\0taking"),
            ("BADARG", "CANCEL", "1", "REASON", "no\0time"),
            ("BADARG", "PSUBSCRIBE", "a?b*"),
            ("ERR", "HELLO", "x"),
            ("NOPROTO", "HELLO", "4"),
            ("ERR", "HELLO", "3", "AUTH", "only-a-name"),
        ):
            text = c.fails(code, *request)
            assert len(text) <= 256 and all(" " <= ch < "\x7f" or ch > "\x7f" for ch in text), text
        assert "eggs" in c.fails("BADARG", "ORDER", "cake", '{"flavour":"sponge","eggs":13}')
        assert "TIMEOUT: the recipe has 30s" in c.fails("BADARG", "ORDER", "cake", '{"flavour":"sponge"}', "TIMEOUT", "31s")
        assert "DELAY: expected 0s to 3650d" in c.fails("BADARG", "ORDER", "cake", '{"flavour":"sponge"}', "DELAY", "4000d")
        # whatever is asked for, the answer is text
        assert c.fails("NORECIPE", "ORDER", b"caf\xc3\xa9 caf\xe9 \x1b \xc2\x9b", "{}") == "NORECIPE no recipe 'caf\u00e9 caf? ? ??'"
        # the words that libraries match
        assert c.fails("ERR", "BAKE", "a", "b").startswith("ERR unknown command 'BAKE', with args beginning with: 'a' 'b'")
        assert c.fails("ERR", "STATUS") == "ERR wrong number of arguments for 'status' command"
        assert c.ok("PING") == "PONG"

    def test_requests_may_come_in_any_pieces(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        for byte in encode("ECHO", "a\r\nb") + b"*0\r\n*-1\r\n\r\n" + encode("PING"):
            c.send(bytes([byte]))
        c.expect(b"$4\r\na\r\nb\r\n+PONG\r\n")

    def test_inline_requests(self):
        d = self.daemon(TCP)
        c = d.connect()
        c.send(b"PING\r\nECHO \"two words\\x21\"\nselect 0\r\n")
        c.expect(b"+PONG\r\n$10\r\ntwo words!\r\n+OK\r\n")
        c.send(b"ECHO \"unbalanced\r\n")
        c.expect(b"-ERR Protocol error: unbalanced quotes in request\r\n")
        c.expect_closed()
        c = d.connect(address=tcp_address(d))
        c.send(b"PING\r\n")
        c.expect(b"-NOAUTH Authentication required.\r\n")
        c.send(b"ECHO hi\r\n")
        c.expect(b"-ERR Protocol error: expected '*', got 'E'\r\n")
        c.expect_closed()

    def test_lost_framing_closes_after_what_came_before_is_answered(self):
        d = self.daemon(CONFIG)
        for bad, why in (
            (b"*1\r\n:4\r\n", "expected '$', got ':'"),
            (b"*1\r\n$x\r\n", "invalid bulk length"),
            (b"*1\r\n$-5\r\n", "invalid bulk length"),
            (b"*x\r\n", "invalid multibulk length"),
            (b"*99999999999999999999\r\n", "invalid multibulk length"),
            (b"*1\r\n$4\r\nPINGPONG\r\n", "expected CRLF after an argument"),
            (b"\x01\x02\x03", "expected '*', got '?'"),
            (b"$4\r\nPING\r\n", "expected '*', got '$'"),
        ):
            c = d.connect()
            c.send(encode("ORDER", "cake", '{"flavour":"sponge"}') + encode("PING") + bad + encode("PING"))
            assert c.read().isdigit()
            c.expect(b"+PONG\r\n-ERR Protocol error: " + why.encode() + b"\r\n")
            c.expect_closed()

    def test_HTTP_and_TLS_close_before_anything_runs(self):
        d = self.daemon(TCP)
        hello = bytes.fromhex("16030100a5010000a10303") + bytes(100)
        post = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n*1\r\n$4\r\nPING\r\n"
        for address in (d.socket, tcp_address(d)):
            for bad in (hello, post, b"GET / HTTP/1.1\r\n\r\n", b"Host: x\r\nPING\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
                c = d.connect(address=address)
                c.send(bad)
                c.expect_closed()
        d.wait_log("TLS or HTTP on a plain listener", count=10)
        assert d.connect().ok("PING") == "PONG"

    def test_over_a_limit_it_is_skipped_and_the_connection_goes_on(self):
        d = self.daemon(CONFIG + "limits: {payload: 100KiB, request: 1MiB}\n")
        c = d.connect()
        exactly, more = b"x" * 100 * 1024, b"x" * (100 * 1024 + 1)
        c.send(encode("ORDER", "copy", exactly) + encode("ORDER", "copy", more) + encode("PING"))
        assert c.read().isdigit()
        assert c.read().code == "TOOBIG"
        assert c.read() == "PONG"
        c.send(encode("ORDER", "copy", b"x" * 5_000_000) + encode("PING"))
        assert c.read().code == "TOOBIG"
        assert c.read() == "PONG"
        c.send(encode("ECHO", *["x"] * 4095))
        assert c.read().code == "ERR"  # 4,096 arguments are read
        c.send(encode("ECHO", *["x"] * 4096) + encode("PING"))
        assert c.read().code == "TOOBIG"
        assert c.read() == "PONG"
        c.send(encode("ECHO", *[b"x" * 99 * 1024] * 11))
        assert c.read().code == "TOOBIG"
        # what announces 64 times too much is not worth reading to its end
        c.send(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (65 << 20))
        c.expect(b"-ERR Protocol error: invalid bulk length\r\n")
        c.expect_closed()

    def test_a_payload_of_any_bytes(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        payload = bytes(range(256)) * 16
        id = c.ok("ORDER", "copy", payload)
        c.ok("AWAIT", "0", id)
        assert c.ok("RESULT", id) == payload


class Strangers(Case):
    def test_small_limits_before_authentication(self):
        d = self.daemon(TCP)
        for code, *request in (
            ("NOAUTH", "HELLO", "3", *["SETNAME"] * 8),  # 10 words are read
            ("TOOBIG", "HELLO", "3", *["SETNAME"] * 9),
            ("WRONGPASS", "AUTH", "x" * 16384),
            ("TOOBIG", "AUTH", "x" * 16385),
            ("TOOBIG", "HELLO", "3", *["x" * 16000] * 5),
        ):
            c = d.connect(address=tcp_address(d))
            c.fails(code, *request)
            c.fails("NOAUTH", "PING")

    def test_a_few_verbs_are_answered(self):
        d = self.daemon(TCP)
        c = d.connect(address=tcp_address(d))
        for request in (("PING",), ("ORDER", "copy", "x"), ("BAKE",), ("CLIENT", "SETINFO", "LIB-NAME", "x"), ("INFO",), ("SUBSCRIBE", "events")):
            assert c.call(*request) == Error("NOAUTH Authentication required."), request
        assert c.fails("NOAUTH", "HELLO", "3").startswith("NOAUTH HELLO must be called with the client already authenticated")
        c.send(encode("AUTH", "shop", "wrong") + encode("PING"))
        assert c.read() == Error("WRONGPASS invalid username-password pair or user is disabled.")
        assert c.read() == Error("NOAUTH Authentication required.")
        c.fails("WRONGPASS", "HELLO", "3", "AUTH", "nobody", "wrong")
        assert c.ok("RESET") == "RESET"
        c.fails("WRONGPASS", "AUTH", "wrong")
        c.expect_closed()  # that was the third

    def test_five_seconds_to_say_who_it_is(self):
        d = self.daemon(TCP, clock=True)
        c = d.connect(address=tcp_address(d))
        c.fails("NOAUTH", "PING")
        d.clock.advance(6)
        c.expect_closed()

    def test_an_empty_line_in_two_pieces_is_no_request_that_has_begun(self):
        d = self.daemon(clock=True)
        other, c = d.connect(3), d.connect()

        def tasks():
            return other.ask("STATS")["loop"]["tasks"]

        idle = tasks()
        c.send(b"\r")
        d.wait_until(lambda: tasks() > idle, "half a line")
        c.send(b"\n")
        d.wait_until(lambda: tasks() == idle, "the rest of it")
        d.clock.advance(61)
        c.send(b"*1\r\n")
        d.wait_until(lambda: tasks() > idle, "half a request")
        c.send(b"$4\r\nPING\r\n")
        c.expect(b"+PONG\r\n")

    def test_one_address_cannot_take_all_places(self):
        d = self.daemon(TCP)
        guests = [d.connect(address=tcp_address(d)) for _ in range(32)]
        for g in guests:
            g.fails("NOAUTH", "PING")
        more = d.connect(address=tcp_address(d))
        more.expect(b"-ERR max number of clients reached\r\n")
        more.expect_closed()
        assert d.connect().ok("PING") == "PONG"
        guests[0].close()

        def let_in():
            c = d.connect(address=tcp_address(d))
            return c.call("PING") == Error("NOAUTH Authentication required.")

        d.wait_until(let_in, "a place")

    def test_places_are_kept_for_the_operator(self):
        d = self.daemon(TCP + "limits: {connections: 40}\n")
        guests = [d.connect() for _ in range(40)]
        for g in guests:
            g.ok("PING")
        more = d.connect()
        more.expect(b"-ERR max number of clients reached\r\n")
        more.expect_closed()


main()

"""
Stacks: whatever is asked of the daemon, no task uses more than half of its stack. The daemon measures them itself (BAKERY_STACKS=1) and says at its
end what each kind of task has used.

A new kind of work belongs here: a recipe, its payloads, and what becomes of them go into WORK.
"""

import json
import os
import re
import shutil
import socket

import bakery_http
from bakery_test import Case, Closed, Error, Skip, encode, main

HASH = "scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
BACKOFF = "backoff: {first: 1ms, max: 2ms}"

# name: (the recipe, payloads, the states in which such orders may end)
WORK = {
    "cake": ("""
    params:
      flavour: {type: string, required: true, pattern: "[a-z]+", max: 20}
      eggs: {type: integer, min: 1, max: 12, default: 3}
      sugar: {type: number, default: 0.1}
      vegan: {type: boolean, default: false}
      nuts: {type: list, default: []}
      tin: {type: path, default: /tmp}
    run: [echo, "{flavour}", "{eggs}", "{sugar}", "{vegan}", "{nuts}", "{tin}"]
    timeout: 30s
""", [json.dumps(p) for p in (
        {"flavour": "sponge", "sugar": 1.7976931348623157e308, "nuts": ["n" * 50] * 20},
        {"flavour": "madeira", "sugar": -2.2250738585072014e-308, "eggs": 12, "vegan": True},
        {"flavour": "stollen", "sugar": 0.1234567890123456789, "tin": "/" + "t" * 200},
    )], {"done"}),
    "copy": ("{run: [cat], timeout: 30s}", ["", "x" * 100000, "\0\r\n"], {"done"}),
    "fails": ("{run: [sh, -c, 'echo no >&2; exit 3'], timeout: 30s, retries: 2, " + BACKOFF + "}", ["a"], {"failed"}),
    "absent": ("{run: [/does/not/exist], timeout: 30s}", [""], {"failed"}),
    "late": ("{run: [sleep, '600'], timeout: 1ms, kill_after: 1ms}", ["b"], {"failed"}),
    "long": ("{run: [sleep, '600'], timeout: none}", ["c"], {"cancelled"}),
    "steps": ("{steps: [{name: only, run: [cat]}], timeout: 30s}", ["d"], {"done"}),
    "pauses": ("""
    params: {times: {type: integer, default: 5}, nuts: {type: list, default: []}}
    steps: [{sleep: 1ms, times: "{times}"}, {name: give_way, sleep: 0s, times: 3}, {run: [echo, "{nuts}"]}]
    timeout: 30s
""", ["{}", '{"nuts": ["a", "b"]}'], {"done"}),
    "asks": ("""
    params:
      flavour: {type: string, required: true}
      sugar: {type: number, default: 0.1}
      vegan: {type: boolean, default: false}
      nuts: {type: list, default: []}
    steps:
      - name: post
        http:
          url: "@URL@/ok/{flavour}?sugar={sugar}&order={order.id}"
          headers: {X-Flavour: "{flavour}", X-Sugar: "{sugar}"}
          json: {flavour: "{flavour}", sugar: "{sugar}", vegan: "{vegan}", all: [{nuts: "{nuts}"}, [["{flavour} and {sugar}"]]], order: "{order.id}"}
      - {name: bake, run: [cat], stdin: "{step.post}"}
      - {name: put, http: {url: "@URL@/ok?{step.bake}", method: PUT, body: "{step.post} {step.bake}"}}
      - {name: go, http: {url: "@URL@/around/3", redirects: 3}}
    timeout: 30s
""", [json.dumps(p) for p in (
        {"flavour": "sponge", "sugar": 1.7976931348623157e308, "nuts": ["n" * 50] * 20},
        {"flavour": "\U0001f370" * 100, "sugar": -2.2250738585072014e-308, "vegan": True},
    )], {"done"}),
    "around": ("{steps: [{http: {url: '@URL@/around/9', redirects: 3}}], timeout: 30s}", ["e"], {"failed"}),
    "busy": ("{steps: [{http: {url: '@URL@/busy'}, retries: 2}], timeout: 30s, retries: 2, " + BACKOFF + "}", ["f"], {"failed"}),
    "wrong": ("{steps: [{http: {url: '@URL@/wrong'}}], timeout: 30s}", ["g"], {"failed"}),
    "dots": ("{params: {of: {type: string}}, steps: [{http: {url: '@URL@/{of}/x'}}], timeout: 30s}", ['{"of":".."}'], {"failed"}),
    "closes": ("{steps: [{http: {url: '@URL@/close'}, retries: 2}], timeout: 30s, " + BACKOFF + "}", ["h"], {"failed"}),
    "big": ("{steps: [{http: {url: '@URL@/ok', body: '{payload}', result_max: 1000}}], timeout: 30s}", ["i" * 100000], {"failed"}),
    "nowhere": ("{steps: [{http: {url: 'http://nowhere.invalid/'}}], timeout: 30s}", ["j"], {"failed"}),
    "closed": ("{steps: [{http: {url: 'http://127.0.0.1:1/'}}], timeout: 30s}", ["k"], {"failed"}),
    "not_tls": ("{steps: [{http: {url: 'https@PLACE@/'}}], timeout: 30s}", ["l"], {"failed"}),
    "hangs": ("{steps: [{http: {url: '@URL@/hang', timeout: 1ms}}], timeout: 30s}", ["m"], {"failed"}),
    "hangs_long": ("{steps: [{http: {url: '@URL@/hang', timeout: none}}], timeout: none}", ["n"], {"cancelled"}),
    "sleeps_long": ("{steps: [{sleep: 1h}], timeout: none}", ["o"], {"cancelled"}),
}
# With TLS, where there is an openssl to make certificates.
SECURE = {
    "secure": ("{steps: [{http: {url: '@SECURE@/ok', ca: '@CA@', headers: {X-A: '{payload}'}}}], timeout: 30s}", ["p"], {"done"}),
    "stranger": ("{steps: [{http: {url: '@SECURE@/ok'}}], timeout: 30s}", ["q"], {"failed"}),
}

# The tasks that must have been seen.
EXPECTED = {"connection", "order", "recover", "shutdown", "status", "result", "list", "explain", "cancel"}


def handle(request):
    what, _, rest = request.path[1:].partition("/")
    if what == "around":
        request.answer(b"", 302, [f"Location: /around/{int(rest) - 1}"]) if rest != "0" else request.answer(b"here")
    elif what == "busy":
        request.answer(b"b" * 5000, 503, ["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"])
    elif what == "wrong":
        request.answer("\0\x7f\u00e9".encode() * 1000, 404)
    elif what == "close":
        request.close()
    elif what != "hang":
        request.answer(request.body or b"flour", 200, ["X-Long: " + "x" * 8000])


def configuration(work):
    recipes = "".join(f"  {name}: {recipe}\n" for name, (recipe, _, _) in work.items())
    return f"""
listen: [{{unix: @DIR@/s}}, {{tcp: "127.0.0.1:0"}}]
users: [{{name: shop, password: "{HASH}", allow: ["*"]}}]
pools: {{default: {{workers: 4}}}}
shutdown: {{grace: 1s}}
log: {{level: debug}}
recipes:
{recipes}"""


def tcp_address(daemon):
    line = daemon.wait_log(r"listening .*127\.0\.0\.1:")[0]
    return ("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", line)[1]))


def say(d, data):
    """These bytes, and whatever comes, until the other side closes."""
    with d.connect() as c:
        try:
            c.send(data)
            c.half_close()
            while True:
                c.read_bytes(1)
        except (Closed, ConnectionError, socket.timeout):
            pass


class Stacks(Case):
    def set_up(self):
        super().set_up()
        self.servers = [bakery_http.Server(handle)]
        self.work = dict(WORK)
        known = {"@URL@": self.servers[0].url, "@PLACE@": self.servers[0].url.removeprefix("http")}
        if shutil.which("openssl"):
            paths = bakery_http.certificate(self.dir, "server")
            self.servers.append(bakery_http.Server(handle, bakery_http.tls(paths)))
            known.update({"@SECURE@": self.servers[1].url, "@CA@": paths[0]})
            self.work.update(SECURE)
        for name, (recipe, payloads, ends) in self.work.items():
            for word, means in known.items():
                recipe = recipe.replace(word, means)
            self.work[name] = (recipe, payloads, ends)

    def tear_down(self):
        super().tear_down()
        for server in self.servers:
            server.close()

    def order_everything(self, c, rounds):
        """[(recipe, id)], ordered in one pipeline."""
        wanted = [(name, payload, f"{name}-{n}-{i}" + "k" * 200)
                  for i in range(rounds) for name, (_, payloads, _) in self.work.items() for n, payload in enumerate(payloads)]
        replies = c.pipeline([("ORDER", name, payload, "KEY", key, "PRIORITY", "7", "DELAY", "1ms", "RETRIES", "0" if i % 3 else "2")
                              if name in ("fails", "busy") else ("ORDER", name, payload, "KEY", key)
                              for i, (name, payload, key) in enumerate(wanted)])
        assert not [r for r in replies if isinstance(r, Error)], replies
        return [(name, reply.decode()) for (name, _, _), reply in zip(wanted, replies)]

    def ask_everything(self, d, resp, orders):
        """Each verb, with the options that make the most work, in one pipeline."""
        with d.connect(resp) as c:
            c.ok("CLIENT", "SETNAME", "n" * 100)
            requests = [("STATS",), ("RECIPES",), ("RECIPES", "cake"), ("INFO",), ("COMMAND",), ("COMMAND", "DOCS"), ("TIME",), ("PING", "p" * 5000),
                        ("LIST", "STATE", "queued,running,done,failed,cancelled", "RECIPE", "cake", "USER", "root", "COUNT", "1000"),
                        ("LIST", "SINCE", "0", "UNTIL", "4102444800000", "COUNT", "1000"), ("PAUSE", "RECIPE", "steps", "REASON", "r" * 1000),
                        ("RESUME", "RECIPE", "steps"), ("CONFIG", "GET", "*")]
            for _, order in orders:
                requests += [("STATUS", order), ("EXPLAIN", order), ("RESULT", order, "PARTIAL"), ("AWAIT", "1ms", order)]
            c.pipeline(requests)

    def ask_badly(self, d):
        """Wrong in every way, and each time the error has to be written."""
        with d.connect() as c:
            for request in [("ORDER", "cake", "{" * 3000), ("ORDER", "cake", "[" * 3000), ("ORDER", "cake", '{"flavour": "NO", "x": 1e400}'),
                            ("ORDER", "cake", '{"flavour":"a","sugar":"0.1"}'), ("ORDER", "cake", json.dumps({"flavour": "x" * 5000})),
                            ("ORDER", "cake", '{"flavour":"' + "\\ud83c\\udf70" * 1000 + '"}'), ("ORDER", "none" * 50, ""),
                            ("ORDER", "copy", "", "DELAY", "1e3s"), ("ORDER", "copy", "", "TIMEOUT", "-1"), ("STATUS", "x" * 1000), ("STATUS", "1"),
                            ("AWAIT", "1s", *["9"] * 300), ("LIST", "STATE", "s" * 1000), ("LIST", "CURSOR", "c" * 1000), ("EXPLAIN",),
                            ("NOSUCH" * 20, *["a" * 300] * 50), ("CANCEL", "1", "REASON", "\0"), ("SUBSCRIBE", "s" * 300), ("HELLO", "9"),
                            ("AUTH", "shop", "wrong")]:
                assert isinstance(c.call(*request), Error), request
        for data in [b"*1\r\n$-5\r\n", b"*99999999\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 5000, b"*2\r\n$4\r\nPING\r\n$99999999\r\n",
                     encode("ORDER", "copy", "x" * 2000000), b"*3\r\n$5\r\nORDER\r\n$4\r\nco"]:
            say(d, data)

    def log_in(self, d):
        with d.connect(address=tcp_address(d)) as c:
            c.fails("WRONGPASS", "AUTH", "shop", "no")
            c.fails("WRONGPASS", "HELLO", "3", "AUTH", "nobody", "no")

    def load(self, d):
        with d.connect(3) as news, d.connect(2) as old_news, d.connect() as c:
            news.send(encode("SUBSCRIBE", "events"))
            news.send(encode("PSUBSCRIBE", "order:*"))
            orders = self.order_everything(c, 8)
            old_news.send(encode("SUBSCRIBE", "events", *[f"order:{id}" for _, id in orders]))
            self.ask_everything(d, 2, orders)
            self.ask_everything(d, 3, orders)
            self.ask_badly(d)
            self.log_in(d)
            ids = [id for name, id in orders if "cancelled" not in self.work[name][2]]
            for name, id in orders:
                if "cancelled" in self.work[name][2]:
                    assert c.ok("CANCEL", id, "REASON", "r" * 1000) == 1
            with d.connect(3) as waiting, d.connect() as leaves:
                waiting.send(encode("AWAIT", "60s", *ids[:256], "ALL"))
                leaves.send(encode("AWAIT", "60s", *ids[:256], "ALL"))
                statuses = waiting.read()
            assert not isinstance(statuses, Error), statuses
            for name, id in orders:
                status = c.ask("AWAIT", "60s", id)
                assert status["state"] in self.work[name][2], (name, status)
            # Everything again, now that it is all final.
            self.ask_everything(d, 2, orders)
            self.ask_everything(d, 3, orders)
            news.send(encode("UNSUBSCRIBE"))

    def test_no_task_uses_more_than_half_of_its_stack(self):
        if os.environ.get("ASAN_OPTIONS") or os.environ.get("TSAN_OPTIONS"):
            raise Skip("the frames of a sanitizer are larger")
        d = self.daemon(configuration(self.work), env={"BAKERY_STACKS": "1"})
        self.load(d)
        # The end comes while work is under way and clients wait, and a second front has something to recover.
        with d.connect(3) as c, d.connect() as waits:
            left = [c.ok("ORDER", name, "").decode() for name in ("long", "hangs_long", "sleeps_long") for _ in range(6)]
            c.ok("ORDER", "cake", '{"flavour":"a"}', "DELAY", "1h")
            waits.send(encode("AWAIT", "60s", *left))
            d.wait_until(lambda: c.ask("STATS")["pools"]["default"]["busy"] == 4, "four jobs")
            d.stop()
        first = self.check(d, EXPECTED)
        d.start()
        d.stop()
        self.check(d, {"recover", "shutdown"}, first)

    def check(self, d, expected, seen_before=0):
        """The marks that this daemon has said at its end."""
        lines = d.log("stack high-water")[seen_before:]
        marks = {}
        for line in lines:
            name, of, used = re.search(r"task=(\S+) of=(\d+) used=(\d+)", line).groups()
            marks[name, int(of)] = int(used)
            print(f"# {name}: {used} of {of}")
        missing = expected - {name for name, _ in marks}
        assert not missing, f"no such task has run: {missing}; there were {marks}"
        too_much = {name: f"{used} of {of}" for (name, of), used in marks.items() if used > of / 2}
        assert not too_much, f"more than half of the stack: {too_much}"
        return seen_before + len(lines)


main()

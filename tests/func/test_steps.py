"""
Orders of several steps, with the real daemon: the worked example of the manual, three cakes. Each is gathered (an http step), mixed (sleeps that give
way), and baked (a command in a worker). The test's server answers when the test says so, and the clock is the test's: so the
order in which the steps become ready is fixed, and what they do is read from the daemon's log.
"""

import json
import os
import re

from bakery_http import Server
from bakery_test import SOURCE, Case, main

FLAVOURS = ("sponge", "madeira", "chocolate")

# A bake says what it has been given, and ends when somebody opens its oven.
BAKE = 'read dough; echo "$dough" >> @DIR@/oven; cat @DIR@/door.$0; echo "a $0 cake of $dough"'
YAML = """
log: {level: debug}
pools: {ovens: {workers: WORKERS}}
recipes:
  cake:
    params:
      flavour: {type: string, one_of: [sponge, madeira, chocolate], required: true}
      eggs: {type: integer, min: 1, max: 12, default: 3}
    steps:
      - {name: gather, http: {url: "URL/{flavour}.json", timeout: 10m}}
      - {name: mix, sleep: 1h, times: "{eggs}"}
      - name: bake
        run: [sh, -c, 'BAKE', "{flavour}"]
        stdin: "{step.gather}\\n"
        pool: ovens
    timeout: 7d
""".replace("BAKE", BAKE)
STEP = re.compile(r"step (begins|gives way|ends)\b.*?\border=(\d+).*?\bstep=(\w+)(?:.*?\bfor=(\w+))?")


def picture(told):
    """README.md's picture of what told() returns: a column for each cake, and a line for what it does until it gives way."""
    rows = [[]]
    for n, what, step, waits in told:
        if what == "begins":
            continue
        rows[-1].append(f"{step} ends" if what == "ends" else f"{step} ({waits})")
        if what == "gives way" or step == "mix":
            rows[-1] = " " * 27 * n + ", ".join(rows[-1])
            rows.append([])
    head = "".join(flavour.ljust(27) for flavour in FLAVOURS).rstrip()
    return "\n".join([head, *rows[:-1]]) + "\n"


class Steps(Case):
    def set_up(self):
        super().set_up()
        self.server = Server()

    def tear_down(self):
        self.server.close()
        super().tear_down()

    def bakery_of(self, workers, **options):
        yaml = YAML.replace("URL", self.server.url).replace("WORKERS", str(workers))
        d = self.daemon(yaml, start=False, clock=True, **options)
        for flavour in FLAVOURS:
            os.mkfifo(os.path.join(d.dir, f"door.{flavour}"))
        return d.start()

    def order(self, d, c, flavour):
        """Orders a cake, and waits until it is in its http step."""
        before = len(self.server.requests)
        number = c.ok("ORDER", "cake", json.dumps({"flavour": flavour})).decode()
        self.gives_way(d, number, "gather", "http")
        request = self.server.wait(before + 1)[-1]
        assert (request.method, request.path) == ("GET", f"/{flavour}.json"), request.path
        return number

    def gather(self, d, number, which):
        """The server answers a request, and the order goes on to mix."""
        self.server.requests[which].answer(b"flour")
        self.gives_way(d, number, "mix", "sleep")

    @staticmethod
    def gives_way(d, number, step, waits, times=1):
        d.wait_log(rf"step gives way.*\border={number}\b.*\bstep={step}\b.*\bfor={waits}\b", times)

    def mix(self, d, ids):
        """The clock goes on until all of them have mixed; each turn in the order in which they began."""
        for turn in range(3):
            self.advance(d)
            for number in ids:
                if turn < 2:
                    self.gives_way(d, number, "mix", "sleep", turn + 2)
                else:
                    d.wait_log(rf"step ends.*\border={number}\b.*\bstep=mix\b")

    @staticmethod
    def advance(d):
        """An hour goes by, after every task has begun the wait that the log tells of."""
        with d.connect() as c:
            c.ok("PING")
        d.clock.advance(3600)

    @staticmethod
    def open_oven(d, flavour):
        """Lets a bake of this flavour end."""
        with open(os.path.join(d.dir, f"door.{flavour}"), "w", encoding="utf-8"):
            pass

    @staticmethod
    def wait_baking(d, count):
        """Waits until so many bakes in all have begun."""

        def begun():
            with open(os.path.join(d.dir, "oven"), encoding="utf-8") as f:
                return len(f.readlines()) == count

        d.wait_until(lambda: os.path.exists(os.path.join(d.dir, "oven")) and begun(), f"{count} bakes")

    @staticmethod
    def told(d, ids):
        """What the log says of the steps of these orders: (which of them, what, step, for)."""
        found = (STEP.search(line) for line in d.log("step (begins|gives way|ends)"))
        return [(ids.index(m[2]), m[1], m[3], m[4]) for m in found if m and m[2] in ids]

    def test_three_cakes_interleave(self):
        d = self.bakery_of(workers=3)
        with d.connect(3) as c:
            ids = [self.order(d, c, flavour) for flavour in FLAVOURS]
            ready = (2, 0, 1)  # the answers come in another order than they were asked for
            for n in ready:
                self.gather(d, ids[n], n)
            self.mix(d, [ids[n] for n in ready])

            expected = []
            for n in range(3):
                expected += [(n, "begins", "gather", None), (n, "gives way", "gather", "http")]
            for n in ready:
                expected += [
                    (n, "ends", "gather", None),
                    (n, "begins", "mix", None),
                    (n, "gives way", "mix", "sleep"),
                ]
            expected += [(n, "gives way", "mix", "sleep") for _ in range(2) for n in ready]
            expected += [(n, "ends", "mix", None) for n in ready]
            light = [s for s in self.told(d, ids) if s[2] != "bake"]
            assert light == expected, "\n" + "\n".join(map(str, light))
            with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as f:
                assert picture(light) in f.read(), "README.md has another picture than\n" + picture(light)

            self.wait_baking(d, 3)
            for n in (1, 2, 0):
                assert c.ok("STATUS", ids[n])["state"] == b"running", "no cake before its oven is opened"
                self.open_oven(d, FLAVOURS[n])
                assert c.ok("AWAIT", "1m", ids[n])["state"] == b"done"
                assert c.ok("RESULT", ids[n]) == f"a {FLAVOURS[n]} cake of flour\n".encode()

    def test_a_front_killed_while_a_cake_is_mixed(self):
        d = self.bakery_of(workers=1)
        with d.connect(3) as c:
            number = self.order(d, c, "sponge")
            self.gather(d, number, 0)
        d.kill("front")
        self.gives_way(d, number, "mix", "sleep", 2)
        for told in (3, 4):
            self.advance(d)
            self.gives_way(d, number, "mix", "sleep", told)
        self.advance(d)
        self.open_oven(d, "sponge")
        with d.connect(3) as c:
            status = c.ok("AWAIT", "1m", number)
            assert (status["state"], status["attempt"]) == (b"done", 2), status
            assert c.ok("RESULT", number) == b"a sponge cake of flour\n"
        assert len(self.server.requests) == 1, "gathered once"

    def test_a_front_killed_while_a_cake_waits_for_an_oven(self):
        d = self.bakery_of(workers=1)
        with d.connect(3) as c:
            ids = [self.order(d, c, flavour) for flavour in FLAVOURS[:2]]
            for n in range(2):
                self.gather(d, ids[n], n)
            self.mix(d, ids)
            self.gives_way(d, ids[0], "bake", "job")
            self.gives_way(d, ids[1], "bake", "worker")
            self.wait_baking(d, 1)
        d.kill("front")
        d.wait_log(rf"adopted.*order={ids[0]}\b")
        with d.connect(3) as c:
            for n in range(2):
                self.open_oven(d, FLAVOURS[n])
                status = c.ok("AWAIT", "1m", ids[n])
                # The bake that was under way was adopted; the other cake went on in its next attempt.
                assert (status["state"], status["attempt"]) == (b"done", n + 1), status
                assert c.ok("RESULT", ids[n]) == f"a {FLAVOURS[n]} cake of flour\n".encode()
        assert len(self.server.requests) == 2, "each was gathered once"
        assert len(d.log("step begins.*step=mix")) == 2, "each was mixed once"
        self.wait_baking(d, 2)


main()

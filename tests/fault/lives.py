"""
Random lives of a daemon: orders of all kinds are sent and cancelled, an HTTP server answers, delays, fails and closes early, and processes are killed. In the end
every order that was acknowledged, and every one whose fate was unknown and that was sent again with its KEY, is there once and final, and what was done for it
is what is promised (evidence.py).

A seed says what is ordered, how the server answers, and who is killed after how much has been done; when that is, the machine says.
"""

import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "func"))
import evidence  # noqa: E402
from bakery_test import Case, Closed, Error  # noqa: E402

YAML = """
shutdown: {grace: 1s}
limits: {http_per_host: 10}
pools: {default: {workers: 3}}
"""
AT_ONCE = 20
QUEUED_MOST = 100  # what is sent after the last blow is done within seconds
# Why an order that may not be repeated fails here.
ONCE_FAILS = (b"daemon-lost", b"worker-lost", b"drained", b"http")


class Customer(threading.Thread):
    """Sends orders until it is told to end, each again until it is acknowledged, and cancels some."""

    def __init__(self, d, seed):
        super().__init__(daemon=True)
        self.d = d
        self.seed = seed
        self.rnd = random.Random(f"{seed} customer")
        self.keys = []
        self.ids = {}  # of each key
        self.asked = set()  # keys: a cancel was sent
        self.cancelled = set()  # keys: and was acknowledged
        self.end = threading.Event()
        self.problem = None
        self.start()

    def recipe(self, key):
        return random.Random(f"{self.seed} {key}").choice(evidence.SEVERAL + ("quick", "slow"))

    def run(self):
        try:
            while len(self.ids) < len(self.keys) or not self.end.is_set():
                try:
                    with self.d.connect(3) as c:
                        while len(self.ids) < len(self.keys) or not self.end.is_set():
                            self.order(c)
                except (OSError, Closed):
                    time.sleep(0.02)
        except BaseException as e:  # told by the test's own thread
            self.problem = e

    def order(self, c):
        waiting = [key for key in self.keys if key not in self.ids]
        if not waiting:
            stats = c.call("STATS")
            if isinstance(stats, Error) or sum(stats["orders"][s] for s in ("queued", "scheduled", "running")) > QUEUED_MOST:
                time.sleep(0.05)
                self.cancel(c)
                return
            waiting = [f"k{i}" for i in range(len(self.keys), len(self.keys) + AT_ONCE)]
            self.keys += waiting
        replies = c.pipeline([("ORDER", self.recipe(key), key, "KEY", key) for key in waiting])
        for key, reply in zip(waiting, replies):
            if not isinstance(reply, Error):
                self.ids[key] = reply.decode()
            elif reply.code not in ("LOADING", "DRAINING", "UNCERTAIN"):
                raise AssertionError(reply)
        self.cancel(c)

    def cancel(self, c):
        """One of those that may be under way, now and then."""
        recent = [key for key in self.keys[-4 * AT_ONCE :] if key in self.ids]
        if not recent or self.rnd.random() < 0.5:
            return
        key = self.rnd.choice(recent)
        self.asked.add(key)
        if c.call("CANCEL", self.ids[key]) == 1:
            self.cancelled.add(key)


class Lives(Case):
    def set_up(self):
        super().set_up()
        self.host = evidence.Host(self.behave)

    def tear_down(self):
        super().tear_down()
        self.host.close()

    def behave(self, payload, step, nth):
        rnd = random.Random(f"{self.seed} {payload} {step} {nth}")
        return rnd.choice((0, 0, 0.01, 0.1)), rnd.choice(("answer",) * 7 + ("busy", "close", "break"))

    def hurt(self, d, rnd):
        what = rnd.choice(("front", "front", "worker", "worker", "worker", "supervisor", "everything", "stop"))
        which = rnd.randrange(1000)
        if d.process.poll() is not None:  # too many blows to its front: it has given up, which is for the service manager to mend
            assert d.wait() == 70
        elif what == "everything":
            d.kill_all()
        elif what == "stop":
            d.stop()
        elif what == "supervisor":
            d.kill("supervisor")
        else:
            pids = d.pids(what)
            if pids:
                os.kill(pids[which % len(pids)], signal.SIGKILL)
            return
        d.start()

    def live(self, seed, goes_on):
        """Blows for as long as goes_on(count of blows) says, each after some jobs more have been begun."""
        self.seed = seed
        d = self.daemon(start=False)
        self.host.directory = d.dir
        d.configure(YAML + evidence.recipes(self.host.url, d.dir))
        d.start()
        rnd = random.Random(f"{seed} blows")
        customer = Customer(d, seed)
        blows = 0
        try:
            while goes_on(blows) and not customer.problem:
                least = evidence.lines(d.dir) + rnd.randrange(1, 80)
                d.wait_until(lambda: evidence.lines(d.dir) >= least or customer.problem or d.process.poll() is not None, "progress")
                self.hurt(d, rnd)
                blows += 1
        finally:
            customer.end.set()
            customer.join()
        if customer.problem:
            raise customer.problem
        if d.process.poll() is not None:
            assert d.wait() == 70
            d.start()
        d.wait_until(lambda: self.serves(d), "the last front to serve")
        self.judge(d, customer)
        print(f"# {len(customer.keys)} orders, {evidence.lines(d.dir)} jobs, {sum(self.host.requests.values())} requests, {blows} blows, "
              f"{len(customer.cancelled)} cancelled")

    @staticmethod
    def serves(d):
        try:
            with d.connect(3) as c:
                return not isinstance(c.call("STATS"), Error)
        except (OSError, Closed, AssertionError):  # HELLO too is refused while it starts
            return False

    # ---- what must be true in the end

    def judge(self, d, customer):
        keys = customer.keys
        assert set(customer.ids) == set(keys) and len(set(customer.ids.values())) == len(keys), "two keys have one order"
        with d.connect(3) as c:
            for begin in range(0, len(keys), 250):
                self.judge_some(d, c, customer, keys[begin : begin + 250])
            orders = c.ok("STATS")["orders"]
        total = sum(orders.values())
        assert total == len(keys), f"{total} orders are known, {len(keys)} were sent"

    def judge_some(self, d, c, customer, keys):
        ids = [customer.ids[key] for key in keys]
        statuses = None
        while statuses is None:
            statuses = c.ok("AWAIT", "20s", *ids, "ALL")
        results = c.pipeline([("RESULT", number) for number in ids])
        for key, number, status, result in zip(keys, ids, statuses, results):
            recipe, state = customer.recipe(key), status["state"]
            allowed = state == b"done" or (state == b"cancelled" and key in customer.asked)
            allowed = allowed or (recipe == "once" and state == b"failed" and status["cause"] in ONCE_FAILS)
            assert allowed and (state == b"cancelled" or key not in customer.cancelled), (key, recipe, status)
            evidence.judge(recipe, number, evidence.trace(d.dir, number), state == b"done")
            if state == b"done":
                assert result.decode() == evidence.result(recipe, number, key), (key, recipe, result)

"""
Chaos for minutes: orders are sent, and processes of the daemon are killed at random. In the end every order that was acknowledged, and
every one whose fate was unknown and that was sent again with its KEY, is there once and final, and has run.

CHAOS_SECONDS (120) and CHAOS_SEED (random; printed) are taken from the environment.
"""

import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "func"))
from bakery_test import Case, Closed, Error, main  # noqa: E402

YAML = """
shutdown: {grace: 1s}
pools: {default: {workers: 3}}
recipes:
  quick: {run: [sh, -c, 'echo $BAKERY_ORDER >>"@DIR@/ran"'], timeout: 60s}
  slow: {run: [sh, -c, 'sleep 0.3; echo $BAKERY_ORDER >>"@DIR@/ran"'], timeout: 60s}
"""
AT_ONCE = 40
QUEUED_MOST = 200  # what is sent after the last blow is done within seconds


class Chaos(Case):
    def order(self, d, keys, ids, wanted, end):
        """Sends orders until `end`, each again until it is acknowledged. ids: {key: id}; wanted: keys whose order is to be cancelled."""
        rnd = random.Random(self.seed)
        waiting = []
        while waiting or not end.is_set():
            try:
                with d.connect(3) as c:
                    if not end.is_set() and len(waiting) < AT_ONCE:
                        stats = c.call("STATS")
                        if isinstance(stats, Error) or stats["orders"]["queued"] > QUEUED_MOST:
                            time.sleep(0.05)
                        else:
                            keys += [f"k{i}" for i in range(len(keys), len(keys) + AT_ONCE)]
                            waiting += keys[-AT_ONCE:]
                    replies = c.pipeline([("ORDER", "slow" if key.endswith("7") else "quick", "", "KEY", key) for key in waiting])
                    for key, reply in zip(list(waiting), replies):
                        if isinstance(reply, Error):
                            assert reply.code in ("LOADING", "DRAINING", "UNCERTAIN"), reply
                        else:
                            assert ids.setdefault(key, reply) == reply, "a KEY has two orders"
                            waiting.remove(key)
                            if rnd.random() < 0.05 and not isinstance(c.call("CANCEL", reply), Error):
                                wanted.add(key)
            except (OSError, Closed):
                time.sleep(0.05)

    @staticmethod
    def hurt(d, rnd):
        if d.process.poll() is not None:  # too many blows to its front: it has given up, which is for the service manager to mend
            assert d.wait() == 70
            d.start()
            return
        what = rnd.choice(("front", "worker", "worker", "worker", "supervisor", "all", "stop"))
        if what == "all":
            d.kill_all()
        elif what == "stop":
            d.stop()
        elif what == "supervisor":
            d.kill("supervisor")
        else:
            for pid in d.pids(what)[:1]:
                os.kill(pid, signal.SIGKILL)
            return
        d.start()

    def test_orders_survive_chaos(self):
        self.seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
        seconds = float(os.environ.get("CHAOS_SECONDS") or 120)
        print(f"# CHAOS_SEED={self.seed} CHAOS_SECONDS={seconds:.0f}")
        rnd = random.Random(self.seed)
        d = self.daemon(YAML)
        keys, ids, wanted, end, problems = [], {}, set(), threading.Event(), []

        def orders():
            try:
                self.order(d, keys, ids, wanted, end)
            except AssertionError as e:
                problems.append(e)

        customer = threading.Thread(target=orders)
        customer.start()
        hurts, begin = 0, time.monotonic()
        try:
            while time.monotonic() - begin < seconds and not problems:
                time.sleep(rnd.uniform(0.2, 4))
                self.hurt(d, rnd)
                hurts += 1
        finally:
            end.set()
            customer.join()
        assert not problems, problems
        print(f"# {len(keys)} orders, {hurts} blows, {len(wanted)} cancelled")
        self.judge(d, keys, ids, wanted)

    def judge(self, d, keys, ids, wanted):
        assert set(ids) == set(keys) and len(set(ids.values())) == len(keys)
        states = {}
        with d.connect(3) as c:
            numbers = list(ids.values())
            for begin in range(0, len(numbers), 250):
                piece = numbers[begin : begin + 250]
                reply = None
                while reply is None:
                    reply = c.ok("AWAIT", "20s", *piece, "ALL")
                states.update({n: s["state"] for n, s in zip(piece, reply)})
            total = sum(c.ok("STATS")["orders"].values())
        assert total == len(keys), f"{total} orders are known, {len(keys)} were sent"
        with open(os.path.join(d.dir, "ran"), "rb") as f:
            ran = set(f.read().split())
        for key, number in ids.items():
            assert states[number] == b"done" or (key in wanted and states[number] == b"cancelled"), (key, number, states[number])
            assert states[number] != b"done" or number in ran, f"{number} is done and never ran"


main()

"""
Crashes at chosen places, and what the promises say of them: an acknowledged order ends, exactly once; a KEY has one order; at most once is at most once;
what was cancelled, delayed or paused stays so; a store in trouble loses nothing.

Places are failpoints (daemon/base/failpoint.h) at a random count: CRASH_SEED repeats a run.
"""

import collections
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "func"))
from bakery_test import Case, Closed, Error, main  # noqa: E402

YAML = """
pools: {default: {workers: 2}}
recipes:
  count: {run: [sh, -c, 'echo $BAKERY_ORDER >>"@DIR@/count"'], timeout: 60s}
  once: {run: [sh, -c, 'echo $BAKERY_ORDER >>"@DIR@/once"'], timeout: 60s, delivery: at-most-once}
  gate: {run: [sh, -c, 'echo $BAKERY_ATTEMPT >>"@DIR@/gate"; while ! test -e "@DIR@/go"; do sleep 0.02; done'], timeout: 60s}
  gate_once:
    run: [sh, -c, 'echo $BAKERY_ATTEMPT >>"@DIR@/gate"; while ! test -e "@DIR@/go"; do sleep 0.02; done']
    timeout: 60s
    delivery: at-most-once
  stubborn: {run: [sh, -c, 'trap : TERM; echo $BAKERY_ATTEMPT >>"@DIR@/gate"; while :; do sleep 0.02; done'], timeout: 60s, kill_after: 1s}
  murder: {run: [sh, -c, 'echo $BAKERY_ATTEMPT >>"@DIR@/gate"; kill -9 $PPID'], timeout: 60s, backoff: {first: 10ms}}
"""
ORDERS = 200
SEED = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1 << 32))
FINAL = ("done", "failed", "cancelled", "expired")


class Crash(Case):
    def lines(self, d, name):
        try:
            with open(os.path.join(d.dir, name), encoding="utf-8") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def wait_gate(self, d, count):
        d.wait_until(lambda: len(self.lines(d, "gate")) >= count, f"attempt {count}")

    def open_gate(self, d):
        open(os.path.join(d.dir, "go"), "w", encoding="utf-8").close()

    def expect(self, d, number, state, attempt, cause=None):
        with d.connect(3) as c:
            status = c.ask("AWAIT", "60s", number)
        assert (status["state"], status["attempt"]) == (state, attempt), status
        assert cause is None or status["cause"] == cause, status

    # ---- a crash at a place

    def submit(self, d, requests):
        """Sends every request until it is acknowledged, over as many crashes as there are. {key: id}."""
        ids = {}
        while len(ids) < len(requests):
            if d.process.poll() is not None:
                # Too many crashes of its front: it has given up, which is for the service manager to mend.
                assert d.wait() == 70
                d.env.pop("BAKERY_FAIL", None)
                d.start()
            waiting = [key for key in requests if key not in ids]
            try:
                with d.connect() as c:
                    replies = c.pipeline([("ORDER", requests[key], "", "KEY", key) for key in waiting])
            except (OSError, Closed):
                continue
            for key, reply in zip(waiting, replies):
                if isinstance(reply, Error):
                    assert reply.code in ("LOADING", "STORAGE", "UNCERTAIN"), reply
                else:
                    ids[key] = reply
        return ids

    def await_all(self, d, ids):
        """The final status of each order, over as many crashes as there are."""
        out = {}
        while len(out) < len(ids):
            if d.process.poll() is not None:
                assert d.wait() == 70
                d.env.pop("BAKERY_FAIL", None)
                d.start()
            try:
                with d.connect(3) as c:
                    for number in ids:
                        if number not in out:
                            status = c.call("AWAIT", "60s", number)
                            if not isinstance(status, Error):
                                out[number] = {k: v.decode() if isinstance(v, bytes) else v for k, v in status.items()}
            except (OSError, Closed, AssertionError):
                continue
        return out

    def crash_at(self, place, low, high, action="kill", evidence="ready"):
        rnd = random.Random(f"{SEED} {place} {action}")
        fail = f"{place}:{rnd.randint(low, high)}:{action}"
        print(f"# CRASH_SEED={SEED}: {fail}")
        d = self.daemon(YAML, fail=fail)
        requests = {f"k{i}": "once" if i % 4 == 0 else "count" for i in range(ORDERS)}
        ids = self.submit(d, requests)
        assert len(set(ids.values())) == ORDERS, "two keys have one order"
        ends = self.await_all(d, list(ids.values()))
        ran = {name: collections.Counter(self.lines(d, name)) for name in ("count", "once")}
        for key, number in ids.items():
            status = ends[number]
            text = number.decode()
            if requests[key] == "count":
                assert status["state"] == "done", status
                assert ran["count"][text] >= 1, f"{text} is done and has not run"
            else:
                assert ran["once"][text] <= 1, f"{text} has run more than once"
                lost = status["state"] == "failed" and status["cause"] in ("daemon-lost", "worker-lost")
                assert status["state"] == "done" or lost, status
                assert status["state"] != "done" or ran["once"][text] == 1, status
        d.wait_log(evidence, 2 if action == "kill" else 1)
        # A key still has its order, and there is no other.
        again = self.submit(d, requests)
        assert again == ids
        with d.connect(3) as c:
            orders = c.ok("STATS")["orders"]
            assert sum(orders.values()) == ORDERS, orders
            assert sum(orders[state] for state in FINAL) == ORDERS, orders

    def test_before_a_commit(self):
        self.crash_at("store.before_commit", 2, 60)

    def test_after_a_commit(self):
        self.crash_at("store.after_commit", 2, 60)

    def test_between_a_commit_and_its_reply(self):
        self.crash_at("store.before_reply", 2, 60)

    def test_before_an_end_is_stored(self):
        self.crash_at("sched.before_finish", 1, 60)

    def test_while_a_job_is_sent(self):
        self.crash_at("pool.send", 1, 60)

    # ---- the store has trouble

    def test_a_commit_that_is_refused(self):
        self.crash_at("store.before_commit", 1, 60, "ENOSPC", "store wrote nothing")

    def test_a_commit_that_is_uncertain(self):
        self.crash_at("store.after_commit", 1, 60, "EIO", "store opened again")

    def test_an_end_that_is_refused(self):
        self.crash_at("sched.before_finish", 1, 60, "ENOSPC", "the store has trouble with=end")

    # ---- workers

    def test_a_job_that_kills_its_worker_three_times_is_poison(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "murder", "")
        self.expect(d, number, "failed", 3, "poison")
        assert self.lines(d, "gate") == ["1", "2", "3"]
        d.wait_until(lambda: len(d.pids("worker")) == 2, "another worker")
        with d.connect(3) as c:
            assert c.ask("AWAIT", "60s", c.ok("ORDER", "count", ""))["state"] == "done"

    def test_an_at_most_once_job_is_not_repeated_when_its_worker_dies(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "gate_once", "")
        self.wait_gate(d, 1)
        for pid in d.pids("worker"):
            os.kill(pid, 9)
        self.expect(d, number, "failed", 1, "worker-lost")
        assert self.lines(d, "gate") == ["1"]

    # ---- what lasts

    def test_a_front_that_dies_costs_an_at_most_once_job_nothing(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "gate_once", "")
        self.wait_gate(d, 1)
        d.kill("front")
        d.wait_log("ready", 2)
        self.open_gate(d)
        self.expect(d, number, "done", 1)
        assert self.lines(d, "gate") == ["1"]

    def test_after_a_crash_of_everything_an_at_most_once_job_is_reported_lost(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "gate_once", "")
        self.wait_gate(d, 1)
        d.kill_all()
        d.start()
        self.expect(d, number, "failed", 1, "daemon-lost")
        assert self.lines(d, "gate") == ["1"]

    def test_a_cancel_is_obeyed_by_the_next_front(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "stubborn", "")
            self.wait_gate(d, 1)
            assert c.ok("CANCEL", number) == 1
            d.kill("front")
        d.wait_log("ready", 2)
        self.expect(d, number, "cancelled", 1, "cancelled")
        assert self.lines(d, "gate") == ["1"]

    def test_a_cancel_is_obeyed_after_a_crash_of_everything(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "stubborn", "")
            self.wait_gate(d, 1)
            assert c.ok("CANCEL", number) == 1
        d.kill_all()
        d.start()
        self.expect(d, number, "cancelled", 1, "cancelled")
        assert self.lines(d, "gate") == ["1"]

    def test_pauses_and_delays_last(self):
        d = self.daemon(YAML, clock=True)
        with d.connect(3) as c:
            assert c.ok("PAUSE", "RECIPE", "count") == "OK"
            paused = c.ok("ORDER", "count", "")
            delayed = c.ok("ORDER", "once", "", "DELAY", "1h")
        d.kill_all()
        d.start()
        with d.connect(3) as c:
            assert c.ask("STATUS", paused)["state"] == "queued"
            assert c.ask("STATUS", delayed)["state"] == "scheduled"
            d.clock.advance(3601)
            assert c.ask("AWAIT", "60s", delayed)["state"] == "done"
            assert self.lines(d, "count") == []
            assert c.ok("RESUME", "RECIPE", "count") == "OK"
            assert c.ask("AWAIT", "60s", paused)["state"] == "done"

    def test_a_drained_order_goes_on_after_the_restart_uncharged(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "gate", "")
        self.wait_gate(d, 1)
        d.stop()
        d.start()
        self.wait_gate(d, 2)
        self.open_gate(d)
        self.expect(d, number, "done", 2)

    def test_a_drain_lets_a_job_finish(self):
        d = self.daemon("shutdown: {grace: 60s}\n" + YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "gate", "")
            waiting = [c.ok("ORDER", "gate", "") for _ in range(3)]
        self.wait_gate(d, 2)
        d.send_signal(15)
        d.wait_log("draining")
        self.open_gate(d)
        assert d.wait() == 0
        d.start()
        for one in [number, *waiting]:
            self.expect(d, one, "done", 1)


main()

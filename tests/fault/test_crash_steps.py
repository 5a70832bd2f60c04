"""
Crashes on the way of orders of several steps: at each place that has a name, of the front, of a worker, of everything. Then every order that was acknowledged ends
once, no step is repeated whose result was durable, no two jobs of one order run at once, at most once is at most once, and results are the right bytes.

Places are failpoints (daemon/base/failpoint.h) at a random count: CRASH_SEED repeats a run. Where somebody else than the process at the place is to be killed, it
stops there.
"""

import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "func"))
import evidence  # noqa: E402
from bakery_daemon import processes, wait_gone  # noqa: E402
from bakery_test import Case, Closed, Error, main  # noqa: E402

ORDERS = 24
BLOWS = 3
SEED = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1 << 32))
LOST = (b"daemon-lost", b"worker-lost")
PAYLOAD = "flour"


class Customer(threading.Thread):
    """Sends orders, each again until it is acknowledged, and waits for the end of all, over as many crashes as there are."""

    def __init__(self, d, requests):
        super().__init__(daemon=True)
        self.d = d
        self.requests = requests  # {key: recipe}
        self.ids = {}
        self.ends = {}
        self.problem = None
        self.start()

    def run(self):
        try:
            while len(self.ends) < len(self.requests):
                try:
                    with self.d.connect(3) as c:
                        self.submit(c)
                        self.wait(c)
                except (OSError, Closed):
                    time.sleep(0.01)
        except BaseException as e:  # told by the test's own thread
            self.problem = e

    def submit(self, c):
        waiting = [key for key in self.requests if key not in self.ids]
        replies = c.pipeline([("ORDER", self.requests[key], PAYLOAD, "KEY", key) for key in waiting])
        for key, reply in zip(waiting, replies):
            if not isinstance(reply, Error):
                self.ids[key] = reply.decode()
            elif reply.code not in ("LOADING", "STORAGE", "UNCERTAIN"):
                raise AssertionError(reply)

    def wait(self, c):
        for key, number in self.ids.items():
            if key not in self.ends:
                status = c.call("AWAIT", "60s", number)
                if isinstance(status, Error):
                    return
                assert status, f"{self.requests[key]} {number} does not end"
                self.ends[key] = status


class CrashSteps(Case):
    def set_up(self):
        super().set_up()
        self.host = evidence.Host()

    def tear_down(self):
        super().tear_down()
        self.host.close()

    def bakery(self, fail):
        d = self.daemon(start=False, fail=fail)
        self.host.directory = d.dir
        d.configure("pools: {default: {workers: 2}}\n" + evidence.recipes(self.host.url, d.dir))
        return d.start()

    # ---- blows

    @staticmethod
    def stopped(d):
        return [pid for pid, (parent, state, _) in processes().items() if parent == d.pid and state == "T"]

    @staticmethod
    def kill(pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            assert wait_gone(pid)

    def strike(self, d, stopped, victim):
        """Somebody has stopped at the place."""
        if victim == "everything":
            d.kill_all()
            d.start(ready=False)
            return
        self.kill(d.pids(victim))
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def live(self, d, customer, victim):
        """Strikes until the customer has all ends. The number of blows."""
        blows = 0
        while customer.is_alive():
            if d.process.poll() is not None:
                # Too many crashes of its front: it has given up, which is for the service manager to mend.
                assert d.wait() == 70
                d.env.pop("BAKERY_FAIL", None)
                d.start(ready=False)
            stopped = self.stopped(d)
            if stopped:
                blows += 1
                if blows == BLOWS:
                    d.env.pop("BAKERY_FAIL", None)
                self.strike(d, stopped, victim)
            customer.join(0.005)
        if customer.problem:
            raise customer.problem
        return blows

    def crash(self, place, low, high, victim):
        """victim: who is killed when somebody passes the place; None: who passes."""
        rnd = random.Random(f"{SEED} {place} {victim}")
        fail = f"{place}:{rnd.randint(low, high)}:{'stop' if victim else 'kill'}"
        print(f"# CRASH_SEED={SEED}: {fail} {victim or ''}")
        d = self.bakery(fail)
        requests = {f"k{i}": evidence.SEVERAL[i % len(evidence.SEVERAL)] for i in range(ORDERS)}
        customer = Customer(d, requests)
        blows = self.live(d, customer, victim)
        assert blows or (not victim and d.log("(front|worker) ended.* signal=9")), "nobody came to the place"
        self.judge(d, customer)

    def judge(self, d, customer):
        assert len(set(customer.ids.values())) == ORDERS, "two keys have one order"
        with d.connect(3) as c:
            for key, number in customer.ids.items():
                recipe, status = customer.requests[key], customer.ends[key]
                done = status["state"] == b"done"
                lost = recipe == "once" and status["state"] == b"failed" and status["cause"] in LOST
                assert done or lost, (recipe, status)
                evidence.judge(recipe, number, evidence.trace(d.dir, number), done)
                if done:
                    assert c.ok("RESULT", number).decode() == evidence.result(recipe, number, PAYLOAD)
                assert c.ok("STATUS", number) == status, "an order has ended twice"
            orders = c.ok("STATS")["orders"]
            assert sum(orders.values()) == ORDERS == orders["done"] + orders["failed"], orders

    # ---- the scheduler's places

    def test_the_front_before_a_step(self):
        self.crash("sched.before_step", 1, 40, None)

    def test_a_worker_before_a_step(self):
        self.crash("sched.before_step", 1, 40, "worker")

    def test_everything_before_a_step(self):
        self.crash("sched.before_step", 1, 40, "everything")

    def test_the_front_after_a_step(self):
        self.crash("sched.after_step", 1, 25, None)

    def test_a_worker_after_a_step(self):
        self.crash("sched.after_step", 1, 25, "worker")

    def test_everything_after_a_step(self):
        self.crash("sched.after_step", 1, 25, "everything")

    def test_the_front_before_an_end(self):
        self.crash("sched.before_finish", 1, 15, None)

    def test_a_worker_before_an_end(self):
        self.crash("sched.before_finish", 1, 15, "worker")

    def test_everything_before_an_end(self):
        self.crash("sched.before_finish", 1, 15, "everything")

    # ---- the store's: starts, results of steps, ends are committed

    def test_the_front_before_a_commit(self):
        self.crash("store.before_commit", 2, 30, None)

    def test_a_worker_before_a_commit(self):
        self.crash("store.before_commit", 2, 30, "worker")

    def test_everything_before_a_commit(self):
        self.crash("store.before_commit", 2, 30, "everything")

    def test_the_front_after_a_commit(self):
        self.crash("store.after_commit", 2, 30, None)

    def test_everything_after_a_commit(self):
        self.crash("store.after_commit", 2, 30, "everything")

    def test_the_front_between_a_commit_and_its_reply(self):
        self.crash("store.before_reply", 2, 30, None)

    def test_everything_between_a_commit_and_its_reply(self):
        self.crash("store.before_reply", 2, 30, "everything")

    # ---- the workers'

    def test_the_front_while_a_job_is_sent(self):
        self.crash("pool.send", 1, 20, None)

    def test_a_worker_while_a_job_is_sent(self):
        self.crash("pool.send", 1, 20, "worker")

    def test_everything_while_a_job_is_sent(self):
        self.crash("pool.send", 1, 20, "everything")

    def test_a_worker_that_has_a_job(self):
        self.crash("worker.job", 4, 10, None)

    def test_the_front_while_a_worker_has_a_job(self):
        self.crash("worker.job", 1, 10, "front")

    def test_everything_while_a_worker_has_a_job(self):
        self.crash("worker.job", 1, 10, "everything")

    def test_a_worker_that_has_started_a_job(self):
        self.crash("worker.started", 4, 10, None)

    def test_the_front_while_a_worker_has_started_a_job(self):
        self.crash("worker.started", 1, 10, "front")

    def test_everything_while_a_worker_has_started_a_job(self):
        self.crash("worker.started", 1, 10, "everything")

    def test_a_worker_that_has_a_result(self):
        self.crash("worker.ended", 4, 10, None)

    def test_the_front_while_a_worker_has_a_result(self):
        self.crash("worker.ended", 1, 10, "front")

    def test_everything_while_a_worker_has_a_result(self):
        self.crash("worker.ended", 1, 10, "everything")


main()

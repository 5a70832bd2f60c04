"""What is lost when processes are killed: nothing that was acknowledged."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "func"))
from bakery_test import Case, Closed, Connection, Error, encode, main  # noqa: E402

YAML = """
pools: {default: {workers: 2}}
recipes:
  count: {run: [sh, -c, 'echo x >>"@DIR@/ran"'], timeout: 60s}
  nap: {run: [sh, -c, 'echo $$ >>"@DIR@/pids"; sleep 2; echo slept'], timeout: 60s}
"""
ORDERS = 1000


class Lost(Case):
    @staticmethod
    def replies(connection):
        """What still comes before the end of the connection."""
        out = []
        try:
            while True:
                out.append(connection.read())
        except Closed:
            return out

    def every_order_is_done(self, d, acknowledged):
        with d.connect(3) as c:
            for begin in range(0, len(acknowledged), 250):
                for status in c.ok("AWAIT", "10m", *acknowledged[begin : begin + 250], "ALL"):
                    assert status["state"] == b"done", status
            known, cursor = [], "0"
            while True:
                cursor, page = c.ok("LIST", "CURSOR", cursor, "COUNT", 1000)
                known += page
                if cursor == b"0":
                    break
        ids = [s["id"] for s in known]
        assert len(ids) == len(set(ids))
        assert set(acknowledged) <= set(ids)
        return known

    def test_kill_of_everything_loses_nothing_that_was_acknowledged(self):
        d = self.daemon(YAML)
        c: Connection = d.connect()
        c.send(b"".join(encode("ORDER", "count", "") for _ in range(ORDERS)))
        acknowledged = [c.read() for _ in range(ORDERS // 3)]
        d.kill_all()
        acknowledged += self.replies(c)
        assert not any(isinstance(r, Error) for r in acknowledged)
        d.start()
        known = self.every_order_is_done(d, acknowledged)
        # Those without a reply are whole or absent: whole ones are done too.
        assert len(acknowledged) <= len(known) <= ORDERS
        with d.connect(3) as c:
            d.wait_until(lambda: c.ok("STATS")["orders"]["done"] == len(known), "all known orders to be done")
        with open(os.path.join(d.dir, "ran"), encoding="utf-8") as f:
            assert len(f.readlines()) >= len(known), "every known order has run at least once"

    def test_a_killed_front_loses_nothing_and_ends_no_job(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            ids = [c.ok("ORDER", "nap", "") for _ in range(4)]
            d.wait_until(lambda: [c.ask("STATUS", i)["state"] for i in ids].count("running") == 2, "two running jobs")
        front = d.kill("front")
        d.wait_until(lambda: d.pids("front") and d.pids("front") != [front], "another front")
        d.wait_until(lambda: self.answers(d), "the new front to serve")
        with d.connect(3) as c:
            for status in c.ok("AWAIT", "60s", *ids, "ALL"):
                assert (status["state"], status["attempt"]) == (b"done", 1), status
        with open(os.path.join(d.dir, "pids"), encoding="utf-8") as f:
            assert len(f.readlines()) == 4, "no job was started twice"

    @staticmethod
    def answers(d):
        try:
            with d.connect() as c:
                return not isinstance(c.call("STATS"), Error)
        except (OSError, Closed):
            return False

    def test_the_job_of_a_killed_worker_is_attempted_again(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "nap", "")
            d.wait_until(lambda: os.path.exists(os.path.join(d.dir, "pids")), "the job")
            for pid in d.pids("worker"):
                os.kill(pid, 9)
            status = c.ask("AWAIT", "60s", number)
        assert (status["state"], status["attempt"]) == ("done", 2), status

    def test_a_killed_supervisor_takes_all_with_it(self):
        d = self.daemon(YAML)
        with d.connect(3) as c:
            number = c.ok("ORDER", "nap", "")
            d.wait_until(lambda: os.path.exists(os.path.join(d.dir, "pids")), "the job")
            d.kill("supervisor")
            d.wait_until(lambda: not d.left_behind(), "the end of all")
        d.start()
        with d.connect(3) as c:
            assert c.ask("AWAIT", "60s", number)["state"] == "done"


main()

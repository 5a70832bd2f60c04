"""The processes: each of them killed while jobs run, and what becomes of the jobs; who is left behind; who is started again."""

import os
import signal

from bakery_test import Case, Skip, main

# `gate` says who it is in a file of its own for each attempt, and ends when the test lets it.
YAML = """
pools: {default: {workers: 2}}
recipes:
  echo: {run: [cat], timeout: 30s}
  gate:
    run: [sh, -c, 'echo $$ > "@DIR@/pid.tmp"; mv "@DIR@/pid.tmp" "@DIR@/pid-$BAKERY_ORDER-$BAKERY_ATTEMPT"; while ! test -e "@DIR@/go"; do sleep 0.02; done; echo through']
    timeout: 30m
    kill_after: 1s
  stray:
    run: [sh, -c, 'setsid sh "@DIR@/stray.sh" & while :; do sleep 600; done']
    timeout: 30m
    kill_after: 1s
"""


# What a stray does: it leaves its group and its session, says who it is, and stays.
STRAY = 'trap : TERM; echo $$ > stray.tmp; mv stray.tmp "{}/stray"; while :; do sleep 600; done'


def lives(pid):
    """False when it is gone, or a zombie that nobody has reaped yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            stat = f.read()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] not in "ZX"


class Processes(Case):
    def begin(self, c, recipe="gate"):
        """An order that runs, on disk too (a job may begin a moment before that): its number and the pid of its job."""
        d = self.daemons[-1]
        number = c.ok("ORDER", recipe, "")
        pid = self.job(d, number, 1)
        d.wait_until(lambda: c.ask("STATUS", number)["state"] == "running", f"{number} to run")
        return number, pid

    def job(self, d, number, attempt):
        number = number.decode() if isinstance(number, bytes) else number
        path = os.path.join(d.dir, f"pid-{number}-{attempt}")
        d.wait_until(lambda: os.path.exists(path), f"attempt {attempt} of {number}")
        with open(path, encoding="utf-8") as f:
            return int(f.read())

    def stray(self, d, c):
        """An order of a job with a stray: its number, and the path where the stray writes its pid."""
        path = os.path.join(d.dir, "stray")
        with open(path + ".sh", "w", encoding="utf-8") as f:
            f.write(STRAY.format(d.dir))
        return c.ok("ORDER", "stray", ""), path

    def wait_stray(self, d, path):
        d.wait_until(lambda: os.path.exists(path), "the stray")
        with open(path, encoding="utf-8") as f:
            pid = int(f.read())
        os.unlink(path)
        return pid

    def let_through(self, d):
        open(os.path.join(d.dir, "go"), "w", encoding="utf-8").close()

    def expect_done(self, c, number, attempt):
        status = c.ask("AWAIT", "60s", number)
        assert (status["state"], status["attempt"]) == ("done", attempt), status
        assert c.ok("RESULT", number) == b"through\n"

    def test_there_are_as_many_as_configured(self):
        d = self.daemon(YAML)
        assert (len(d.pids("front")), len(d.pids("worker"))) == (1, 2)

    def test_a_killed_front_is_replaced_and_its_jobs_go_on(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, pid = self.begin(c)
            ended = c.ok("ORDER", "echo", "before")
            assert c.ask("AWAIT", "60s", ended)["state"] == "done"
        workers = d.pids("worker")
        old = d.kill("front")
        d.wait_log("ready", 2)
        assert d.pids("front") != [old]
        assert d.pids("worker") == workers
        assert lives(pid)
        with d.connect() as c:
            assert c.ask("STATUS", number)["state"] == "running"
            self.let_through(d)
            self.expect_done(c, number, 1)
            assert c.ok("RESULT", ended) == b"before"

    def test_a_job_that_ends_while_there_is_no_front_is_not_lost(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, pid = self.begin(c)
        front = d.pids("front")[0]
        os.kill(front, signal.SIGSTOP)
        self.let_through(d)
        d.wait_until(lambda: not lives(pid), "the job's end")
        os.kill(front, signal.SIGKILL)
        d.wait_log("ready", 2)
        with d.connect() as c:
            self.expect_done(c, number, 1)

    def test_a_killed_worker_is_replaced_and_its_job_attempted_again(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, pid = self.begin(c)
            parent = int(open(f"/proc/{pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()[1])
            assert parent in d.pids("worker")
            os.kill(parent, signal.SIGKILL)
            second = self.job(d, number, 2)
            # The second attempt begins when nothing of the first is left.
            assert not lives(pid)
            assert lives(second)
            self.let_through(d)
            self.expect_done(c, number, 2)
            d.wait_until(lambda: len(d.pids("worker")) == 2, "another worker")

    def test_front_and_workers_killed_at_once(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, pid = self.begin(c)
            stray_number, path = self.stray(d, c)
            stray = self.wait_stray(d, path)
        family = d.pids("worker") + d.pids("front")
        for p in family:
            os.kill(p, signal.SIGSTOP)
        for p in family:
            os.kill(p, signal.SIGKILL)
        second = self.job(d, number, 2)
        assert lives(second) and not lives(pid)
        self.wait_stray(d, path)
        assert not lives(stray)
        self.let_through(d)
        with d.connect() as c:
            self.expect_done(c, number, 2)
            assert c.ok("CANCEL", stray_number) == 1
            assert c.ask("AWAIT", "60s", stray_number)["state"] == "cancelled"

    def test_what_left_its_group_dies_with_its_worker(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, path = self.stray(d, c)
            stray = self.wait_stray(d, path)
            for worker in d.pids("worker"):
                os.kill(worker, signal.SIGKILL)
            second = self.wait_stray(d, path)
            assert not lives(stray)
            assert lives(second)
            assert c.ok("CANCEL", number) == 1
            assert c.ask("AWAIT", "60s", number)["state"] == "cancelled"
            assert not lives(second)

    def test_a_killed_supervisor_takes_all_with_it(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, pid = self.begin(c)
        family = d.family() + [pid]
        d.kill("supervisor")
        d.start()
        # Whoever begins waits until all of the last one has ended.
        assert not [p for p in family if lives(p)]
        with d.connect() as c:
            self.job(d, number, 2)
            self.let_through(d)
            self.expect_done(c, number, 2)

    def test_after_all_were_killed_the_next_daemon_ends_what_is_left(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            number, pid = self.begin(c)
        d.kill_all()
        assert lives(pid)
        d.start()
        assert not lives(pid)
        d.wait_log("ended what an earlier daemon left")
        with d.connect() as c:
            self.job(d, number, 2)
            self.let_through(d)
            self.expect_done(c, number, 2)

    def test_a_second_daemon_is_told_whose_directory_it_is(self):
        d = self.daemon(YAML)
        before = d.family()
        second = self.daemon(f"state_dir: {d.state_dir}\n" + YAML, start=False).start(ready=False)
        assert second.wait() == 1
        second.wait_log(f"belongs to a running daemon, pid {d.pid}")
        assert d.family() == before

    def test_a_front_that_always_dies_ends_the_daemon(self):
        d = self.daemon(YAML, start=False, fail="front.recovered:1:kill")
        d.start(ready=False)
        assert d.wait() == 70
        d.wait_log("again and again")
        assert not d.left_behind()

    def test_the_end_leaves_nothing(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            _, pid = self.begin(c)
            stray = self.wait_stray(d, self.stray(d, c)[1])
        family = d.family() + [pid, stray]
        d.stop()
        assert not [p for p in family if lives(p)]
        assert not os.path.exists(d.socket)
        assert not os.listdir(d.work_dir)

    def test_a_signal_to_front_or_worker_changes_nothing(self):
        d = self.daemon(YAML)
        before = d.family()
        for pid in before[1:]:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                os.kill(pid, number)
        d.send_signal(signal.SIGHUP)
        d.wait_log("cannot be reloaded")
        with d.connect() as c:
            assert c.ask("AWAIT", "60s", c.ok("ORDER", "echo", "x"))["state"] == "done"
        assert d.family() == before

    def test_a_parent_that_ignored_its_children(self):
        d = self.daemon(YAML, start=False)
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            d.start()
        finally:
            signal.signal(signal.SIGCHLD, before)
        d.kill("front")
        d.kill("worker")
        d.wait_log("ready", 2)
        with d.connect() as c:
            assert c.ask("AWAIT", "60s", c.ok("ORDER", "echo", "x"))["state"] == "done"

    def test_the_front_gives_up_its_privileges(self):
        if os.getuid() != 0:
            raise Skip("only root has some")
        d = self.daemon("daemon: {user: nobody}\npools: {default: {workers: 1, user: daemon}}\n" + YAML.split("\n", 2)[2] + "  id: {run: [id, -un], timeout: 30s}\n", start=False)
        os.chmod(self.dir, 0o755)
        os.chmod(d.dir, 0o755)
        os.chmod(d.work_dir, 0o755)
        d.start()
        with open(f"/proc/{d.pids('front')[0]}/status", encoding="utf-8") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        assert status["Uid"].split() == ["65534"] * 4, status["Uid"]
        for name in ("CapEff", "CapPrm", "CapInh"):
            assert int(status[name], 16) == 0, (name, status[name])
        assert status["NoNewPrivs"] == "1"
        with d.connect() as c:
            number = c.ok("ORDER", "id", "")
            assert c.ask("AWAIT", "60s", number)["state"] == "done"
            assert c.ok("RESULT", number) == b"daemon\n"


main()

"""Starting, refusing to start, and ending: each refusal says what is wrong and harms nobody."""

import os
import signal
import sqlite3

from bakery_test import BAKERYD, Case, encode, main

YAML = """
recipes:
  echo: {run: [cat], timeout: 30s}
  long: {run: [sh, -c, 'echo $$ >"@DIR@/pid"; exec sleep 600'], timeout: 30m, kill_after: 1s}
"""


class Start(Case):
    def refused(self, yaml, pattern, status=None, **options):
        """A daemon that must end at once; the line of its log that says why."""
        d = self.daemon(yaml, start=False, **options)
        d.start(ready=False)
        got = d.wait()
        assert got != 0 if status is None else got == status, f"ended with {got}"
        return d.wait_log(pattern)[0]

    def test_a_state_directory_belongs_to_one_daemon(self):
        d = self.daemon(YAML)
        line = self.refused(f"state_dir: {d.state_dir}\n" + YAML, d.state_dir)
        assert "runs" in line or "running" in line or "another" in line or "lock" in line, line
        with d.connect() as c:
            assert c.call("PING") == "PONG"

    def test_a_socket_belongs_to_one_daemon(self):
        d = self.daemon(YAML)
        self.refused(f"listen: [{{unix: {d.socket}}}]\n" + YAML, d.socket)
        with d.connect() as c:
            assert c.call("PING") == "PONG"

    def test_a_stale_socket_is_no_hindrance(self):
        d = self.daemon(YAML)
        d.kill_all()
        assert os.path.exists(d.socket)
        d.start()
        with d.connect() as c:
            assert c.call("PING") == "PONG"

    def test_a_state_directory_that_is_a_file(self):
        path = self.path("state", "I am a file")
        self.refused(f"state_dir: {path}\n" + YAML, path)

    def test_a_state_directory_that_cannot_be_written(self):
        closed = self.path("closed")
        os.mkdir(closed, mode=0o500)
        # Root can write everywhere but where the kernel has no such thing as a new directory.
        path = os.path.join("/proc" if os.getuid() == 0 else closed, "bakery-test-state")
        self.refused(f"state_dir: {path}\n" + YAML, path)

    def test_a_work_directory_in_which_others_could_exchange_the_jobs_own(self):
        path = self.path("work")
        os.mkdir(path)
        os.chmod(path, 0o777)
        assert "everybody" in self.refused(f"work_dir: {path}\n" + YAML, path)
        if os.getuid() == 0:
            os.chmod(path, 0o755)
            os.chown(path, 12345, 12345)
            assert "12345" in self.refused(f"work_dir: {path}\n" + YAML, path)
            os.chown(path, 0, 0)
        os.chmod(path, 0o1777)
        self.daemon(f"work_dir: {path}\n" + YAML)

    def test_a_database_of_a_newer_version_is_left_alone(self):
        d = self.daemon(YAML)
        d.stop()
        files = [os.path.join(d.state_dir, f) for f in os.listdir(d.state_dir)]
        database = next(f for f in files if open(f, "rb").read(15) == b"SQLite format 3")
        db = sqlite3.connect(database)
        db.execute("PRAGMA user_version = 9999")
        db.close()
        before = open(database, "rb").read()
        d.start(ready=False)
        assert d.wait() == 78
        assert "newer" in d.wait_log(os.path.basename(database))[0]
        assert open(database, "rb").read() == before

    def test_errors_of_the_configuration_are_told_all_at_once_with_their_places(self):
        d = self.daemon("recipes:\n  echo: {rum: [cat], timeout: 300}\nlimts: {}\n", start=False)
        said = "".join(d.run([BAKERYD, "--check", "-c", d.config], status=1))
        with open(d.config, encoding="utf-8") as f:
            first = 1 + [line.startswith("recipes:") for line in f].index(True)
        for place in (f"{d.config}:{first + 1}:", f"{d.config}:{first + 2}:"):
            assert place in said, said
        for hint in ("run", "limits", "300s"):
            assert hint in said, said

    def test_a_tcp_listener_without_users_is_refused(self):
        d = self.daemon("listen: [{tcp: '127.0.0.1:0'}]\n" + YAML, start=False)
        said = "".join(d.run([BAKERYD, "--check", "-c", d.config], status=1))
        assert "user" in said, said

    def test_without_standard_descriptors_nothing_takes_their_place(self):
        d = self.daemon(YAML, start=False)
        d.program = self.path("closed", f'#!/bin/sh\nexec "{BAKERYD}" "$@" <&- >&- 2>&-\n', mode=0o755)
        d.start()
        for pid in d.family():
            for fd in range(3):
                assert os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null", (pid, fd, os.readlink(f"/proc/{pid}/fd/{fd}"))
        with d.connect() as c:
            assert c.ask("AWAIT", "60s", c.ok("ORDER", "echo", "x"))["state"] == "done"

    def test_the_log_says_when_it_serves_and_why_it_ends(self):
        d = self.daemon(YAML)
        d.send_signal(signal.SIGTERM)
        d.wait_notified("STOPPING=1")
        assert d.wait() == 0

    def test_a_running_job_may_end_within_the_grace(self):
        d = self.daemon("shutdown: {grace: 60s}\n" + YAML + '  gate: {run: [cat, "@DIR@/gate"], timeout: 60s}\n')
        gate = os.path.join(d.dir, "gate")
        os.mkfifo(gate)
        with d.connect() as c:
            number = c.ok("ORDER", "gate", "")
            d.wait_until(lambda: c.ask("STATUS", number)["state"] == "running", "the job")
            d.send_signal(signal.SIGTERM)
            d.wait_notified("STOPPING=1")
            d.wait_until(lambda: getattr(c.call("ORDER", "echo", "late"), "code", None) == "DRAINING", "a refusal")
            with open(gate, "w", encoding="utf-8") as f:
                f.write("in time")
        assert d.wait() == 0
        d.start()
        with d.connect() as c:
            status = c.ask("STATUS", number)
            assert (status["state"], status["attempt"]) == ("done", 1), status
            assert c.ok("RESULT", number) == b"in time"

    def test_a_second_sigterm_ends_the_grace(self):
        d = self.daemon("shutdown: {grace: 10m}\n" + YAML)
        with d.connect() as c:
            number = c.ok("ORDER", "long", "")
            d.wait_until(lambda: c.ask("STATUS", number)["state"] == "running", "the job")
        d.send_signal(signal.SIGTERM)
        d.wait_notified("STOPPING=1")
        d.send_signal(signal.SIGTERM)
        assert d.wait() == 0
        d.start()
        with d.connect() as c:
            d.wait_until(lambda: c.ask("STATUS", number)["attempt"] == 2, "the second attempt")
            c.ok("CANCEL", number)
            assert c.ask("AWAIT", "60s", number)["state"] == "cancelled"

    def test_a_job_has_its_kill_after_at_the_end_too(self):
        d = self.daemon(
            """recipes:
  slow: {run: [sh, -c, 'trap "echo >@DIR@/told" TERM; echo >@DIR@/begun; while :; do sleep 0.05; done'], timeout: 30m, kill_after: 60s}
""",
            clock=True,
        )
        with d.connect() as c:
            c.ok("ORDER", "slow", "")
        d.wait_until(lambda: os.path.exists(os.path.join(d.dir, "begun")), "the job")
        d.send_signal(signal.SIGTERM)
        d.wait_until(lambda: os.path.exists(os.path.join(d.dir, "told")), "the stop signal")
        d.clock.advance(50)
        d.send_signal(signal.SIGTERM)
        d.wait_log("the grace ends")
        d.clock.advance(15)
        assert d.wait() == 0

    def test_over_tcp_a_password_is_needed(self):
        d = self.daemon(YAML, start=False)
        secret = d.run([BAKERYD, "--hash-password"], input="open sesame")[0].strip()
        d.configure(
            "listen: [{tcp: '127.0.0.1:0'}, {unix: @DIR@/s}]\n"
            + YAML
            + f'users: [{{name: shop, password: "{secret}", allow: ["order echo", "read own"]}}]\n'
        )
        d.start()
        port = int(d.wait_log(r"127\.0\.0\.1:\d+")[0].rsplit("127.0.0.1:", 1)[1].split()[0].strip('"'))
        with d.connect(address=("127.0.0.1", port)) as c:
            c.fails("NOAUTH", "ORDER", "echo", "x")
            c.fails("WRONGPASS", "AUTH", "shop", "close sesame")
            assert c.call("AUTH", "shop", "open sesame") == "OK"
            number = c.ok("ORDER", "echo", "x")
            assert c.ask("AWAIT", "60s", number)["user"] == "shop"
            c.fails("NORECIPE", "ORDER", "long", "x")
            c.fails("NOPERM", "PAUSE", "RECIPE", "echo")


class Jobs(Case):
    def test_a_variable_of_the_recipe_takes_the_place_of_the_usual_one(self):
        own = self.path("own")
        os.mkdir(own)
        self.path("own/tool", "#!/bin/sh\nexec /usr/bin/env\n", mode=0o755)
        d = self.daemon(f"recipes: {{own: {{run: [tool], env: {{PATH: '{own}', LANG: C}}, timeout: 30s}}}}")
        with d.connect() as c:
            number = c.ok("ORDER", "own", "")
            status = c.ask("AWAIT", "60s", number)
            assert status["state"] == "done", status
            lines = c.ok("RESULT", number).decode().splitlines()
        assert [line for line in lines if line.startswith(("PATH=", "LANG="))] == [f"PATH={own}", "LANG=C"], lines

    def test_a_job_that_moves_its_directory_away_harms_no_other(self):
        d = self.daemon(
            "pools: {default: {workers: 1}}\nrecipes:\n  pwd: {run: [pwd], timeout: 30s}\n"
            "  move: {run: [sh, -c, 'mv \"$TMPDIR\" \"$TMPDIR.away\"'], timeout: 30s}\n"
        )
        with d.connect() as c:
            places = set()
            for recipe in ("pwd", "move", "pwd"):
                number = c.ok("ORDER", recipe, "")
                status = c.ask("AWAIT", "60s", number)
                assert status["state"] == "done", status
                places.add(c.ok("RESULT", number) if recipe == "pwd" else None)
            assert len(places) == 2, places

    def test_a_program_that_is_not_there(self):
        d = self.daemon("recipes: {gone: {run: [/nowhere/at-all], timeout: 9s}}")
        with d.connect() as c:
            status = c.ask("AWAIT", "60s", c.ok("ORDER", "gone", ""))
        assert (status["state"], status["cause"]) == ("failed", "spawn"), status
        assert "No such file" in status["message"], status

    def test_a_program_that_is_not_executable(self):
        plain = self.path("plain", "#!/bin/sh\n", mode=0o644)
        d = self.daemon(f"recipes: {{plain: {{run: ['{plain}'], timeout: 9s}}}}")
        with d.connect() as c:
            status = c.ask("AWAIT", "60s", c.ok("ORDER", "plain", ""))
        assert (status["state"], status["cause"]) == ("failed", "spawn"), status
        assert "Permission denied" in status["message"], status

    def test_a_time_limit_ends_the_whole_group(self):
        d = self.daemon(
            "recipes: {tree: {run: [sh, -c, 'trap \"\" TERM; sleep 600 & echo $! >@DIR@/child; echo $$ >@DIR@/job; wait; wait'],"
            " timeout: 1s, kill_after: 100ms}}"
        )
        with d.connect() as c:
            status = c.ask("AWAIT", "60s", c.ok("ORDER", "tree", ""))
        assert (status["state"], status["cause"]) == ("failed", "timeout"), status
        for name in ("child", "job"):
            with open(os.path.join(d.dir, name), encoding="utf-8") as f:
                assert not os.path.exists(f"/proc/{int(f.read())}"), f"the {name} lives after the order is final"

    def test_a_cancelled_job_is_gone_when_its_order_is_final(self):
        d = self.daemon(YAML)
        pid = os.path.join(d.dir, "pid")
        with d.connect() as c:
            number = c.ok("ORDER", "long", "")
            d.wait_until(lambda: os.path.exists(pid) and os.path.getsize(pid), "the job")
            assert c.ok("CANCEL", number, "REASON", "test") == 1
            assert c.ask("AWAIT", "60s", number)["state"] == "cancelled"
            assert c.ok("CANCEL", number) == 0
        with open(pid, encoding="utf-8") as f:
            assert not os.path.exists(f"/proc/{int(f.read())}")


class Clients(Case):
    def test_clients_that_vanish_harm_nobody(self):
        d = self.daemon(YAML)
        with d.connect() as stays:
            for data in (b"*3\r\n$5\r\nORDER\r\n$4\r\nec", b"*1", encode("ORDER", "echo", "x" * 100000)[:-50], encode("LIST") * 200):
                c = d.connect()
                c.send(data)
                c.close()
            number = stays.ok("ORDER", "echo", "still here")
            assert stays.ask("AWAIT", "60s", number)["state"] == "done"

    def test_what_is_too_big_is_refused_and_the_connection_goes_on(self):
        d = self.daemon("limits: {payload: 64KiB}\n" + YAML)
        with d.connect() as c:
            c.fails("TOOBIG", "ORDER", "echo", "x" * 70000)
            assert c.call("PING") == "PONG"

    def test_lost_framing_closes_that_connection_only(self):
        d = self.daemon(YAML)
        with d.connect() as stays, d.connect() as c:
            c.send(b"*1\r\n!4\r\nPING\r\n")
            assert c.read_line().startswith(b"-ERR Protocol error")
            c.expect_closed()
            assert stays.call("PING") == "PONG"

    def test_tls_and_http_are_closed_without_a_word(self):
        d = self.daemon(YAML)
        for data in (b"\x16\x03\x01\x02\x00\x01", b"POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            with d.connect() as c:
                c.send(data)
                c.expect_closed()


main()

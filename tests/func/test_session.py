"""Sessions: pipelines, clients that hang up in the middle of things, passwords over TCP, users by their login."""

import os
import re
import subprocess
import sys

from bakery_test import BAKERYD, PATIENCE, Case, Error, Skip, encode, main

CONFIG = """
recipes:
  copy: {run: [cat], timeout: 30s}
  wait: {run: [sh, -c, "read line < gate"], chdir: @DIR@, timeout: none}
"""


def tcp_address(daemon):
    line = daemon.wait_log(r"listening .*127\.0\.0\.1:")[0]
    return ("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", line)[1]))


class Pipelines(Case):
    def test_replies_keep_their_order(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        requests = []
        for n in range(500):
            requests += [("ORDER", "copy", f"{n}"), ("ECHO", f"{n}"), ("ORDER", "none", ""), ("STATUS", "1")]
        replies = c.pipeline(requests)
        ids = [int(r) for r in replies[0::4]]
        assert ids == sorted(set(ids)), "ids grow in the order of the requests"
        assert [int(r) for r in replies[1::4]] == list(range(500))
        assert {r.code for r in replies[2::4]} == {"NORECIPE"} and {r.code for r in replies[3::4]} == {"NOTFOUND"}
        c.ok("AWAIT", "0", *ids[:256], "ALL")
        assert c.ok("RESULT", ids[77]) == b"77"

    def test_a_pipeline_shares_its_commits(self):
        d = self.daemon(CONFIG + "pools: {default: {workers: 1}}\n")
        c = d.connect(3)
        c.ok("PAUSE", "RECIPE", "copy")
        before = c.ask("STATS")["store"]["commits"]
        replies = c.pipeline([("ORDER", "copy", "x")] * 1000)
        assert not any(isinstance(r, Error) for r in replies)
        commits = c.ask("STATS")["store"]["commits"] - before
        assert commits < 100, f"{commits} commits for 1,000 orders"

    def test_a_pipeline_longer_than_the_reply_line(self):
        d = self.daemon(CONFIG)
        c = d.connect(3)
        c.ok("PAUSE", "RECIPE", "copy")
        replies = c.pipeline([("ORDER", "copy", "x")] * 10000)
        assert len({bytes(r) for r in replies}) == 10000

    def test_reads_come_after_the_writes_before_them(self):
        d = self.daemon(CONFIG)
        c = d.connect(3)
        for _ in range(20):
            order, listed, paused, recipe, resumed = c.pipeline([
                ("ORDER", "copy", "x"), ("LIST", "COUNT", "1"), ("PAUSE", "RECIPE", "wait"), ("RECIPES", "wait"),
                ("RESUME", "RECIPE", "wait")])
            assert listed[1][0]["id"] == order
            assert recipe["paused"] is True

    def test_after_a_barrier_in_the_middle(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        a = c.ok("ORDER", "copy", "a").decode()
        replies = c.pipeline([("ORDER", "copy", "b"), ("AWAIT", "0", a), ("PING",), ("HELLO", "3"), ("AWAIT", "0", a), ("RESET",), ("PING",)])
        assert isinstance(replies[1], list) and isinstance(replies[4], dict)
        assert replies[2] == "PONG" and replies[5] == "RESET" and replies[6] == "PONG"

    def test_a_small_reply_before_one_that_may_take_all_the_room(self):
        d = self.daemon(CONFIG + "limits: {result: 32MiB}\n")
        c = d.connect()
        id = c.ok("ORDER", "copy", "x").decode()
        c.ok("AWAIT", "0", id)
        assert c.pipeline([("PING",), ("RESULT", id), ("PING",)]) == ["PONG", b"x", "PONG"]

    def test_half_closed_it_still_gets_its_answers(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        c.send(encode("ORDER", "copy", "x") + encode("PING"))
        c.half_close()
        assert c.read().isdigit() and c.read() == "PONG"
        c.expect_closed()

    def test_half_closed_while_it_waits_it_still_gets_what_came_before(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        big = c.ok("ORDER", "copy", b"x" * 1_000_000).decode()
        c.ok("AWAIT", "0", big)
        c.ok("PAUSE", "RECIPE", "copy")
        never = c.ok("ORDER", "copy", "").decode()
        c.send(encode("RESULT", big) * 5 + encode("AWAIT", "0", never))
        c.half_close()
        other = d.connect(3)
        d.wait_until(lambda: other.ask("STATS")["clients"]["waiting"] == 0 and other.ask("STATS")["clients"]["requests"] > 10, "its AWAIT's end")
        for _ in range(5):
            assert len(c.read()) == 1_000_000
        c.expect_closed()

    def test_what_is_empty_is_no_filter_and_no_key(self):
        d = self.daemon(CONFIG)
        c = d.connect()
        c.ok("ORDER", "copy", "x")
        assert "empty" in c.fails("BADARG", "ORDER", "copy", "x", "KEY", "")
        c.fails("BADARG", "ORDER", "copy", "x", "KEY", b"a\0b")
        for states in ("", ",", "done,", ",done"):
            c.fails("BADARG", "LIST", "STATE", states)
        c.fails("BADARG", "LIST", "CAUSE", "")
        assert c.ok("LIST", "RECIPE", "") == [b"0", []] and c.ok("LIST", "USER", "") == [b"0", []]
        assert len(c.ok("LIST")[1]) == 1

    def test_names_of_channels_are_short(self):
        d = self.daemon(CONFIG)
        c = d.connect(3)
        c.fails("TOOBIG", "SUBSCRIBE", "x" * 257)
        c.fails("TOOBIG", "PSUBSCRIBE", "x" * 256 + "*")
        assert c.ok("SUBSCRIBE", "x" * 256) == ["subscribe".encode(), b"x" * 256, 1]


class Vanishing(Case):
    """Clients that vanish at a bad moment: what they asked for is done or not, and nobody else notices."""

    def set_up(self):
        super().set_up()
        self.d = self.daemon(CONFIG)
        self.other = self.d.connect(3)

    def only_one_is_left(self):
        self.d.wait_until(lambda: self.other.ask("STATS")["clients"]["connections"] == 1, "the others' end")
        self.d.wait_until(lambda: self.other.ask("STATS")["clients"]["buffered"] < 100_000, "the end of what was in flight")

    def test_in_the_middle_of_a_request(self):
        whole = encode("ORDER", "copy", "x" * 50)
        for cut in range(1, len(whole)):
            c = self.d.connect()
            c.send(whole[:cut])
            c.close()
        self.only_one_is_left()
        assert self.other.ok("LIST")[1] == []

    def test_with_orders_in_flight(self):
        for _ in range(50):
            c = self.d.connect()
            c.send(encode("ORDER", "copy", "x") * 20 + encode("CANCEL", "1") + encode("STATUS", "1") + encode("LIST"))
            c.close()
        self.only_one_is_left()

    def test_in_the_middle_of_replies(self):
        big = self.other.ok("ORDER", "copy", b"x" * 1_000_000).decode()
        self.other.ok("AWAIT", "0", big)
        for _ in range(5):
            c = self.d.connect()
            c.send(encode("RESULT", big) * 30)
            c.read_bytes(1000)
            c.close()
        self.only_one_is_left()

    def test_while_it_waits(self):
        os.mkfifo(os.path.join(self.d.dir, "gate"))
        id = self.other.ok("ORDER", "wait", "").decode()
        for _ in range(10):
            c = self.d.connect()
            c.send(encode("AWAIT", "0", id) + encode("PING"))
            c.close()
        waiting = self.d.connect()
        waiting.send(encode("AWAIT", "0", id))
        self.d.wait_until(lambda: self.other.ask("STATS")["clients"]["waiting"] == 1, "one that waits")
        self.other.ok("CANCEL", id)
        assert waiting.read()[5] == b"cancelled"
        waiting.close()
        self.only_one_is_left()

    def test_a_client_that_does_not_read_holds_up_nobody(self):
        big = self.other.ok("ORDER", "copy", b"x" * 1_000_000).decode()
        self.other.ok("AWAIT", "0", big)
        lazy = self.d.connect()
        lazy.send(encode("RESULT", big) * 200)
        for _ in range(100):
            assert self.other.ok("PING") == "PONG"
        assert self.other.ask("STATS")["clients"]["buffered"] < 40_000_000
        for _ in range(200):
            assert len(lazy.read()) == 1_000_000


class Passwords(Case):
    def start(self, extra=""):
        hash = subprocess.run([BAKERYD, "--hash-password"], input=b"sesame", stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        d = self.daemon(CONFIG + f"""
listen: [{{unix: @DIR@/s}}, {{tcp: "127.0.0.1:0"}}]
users:
  - {{name: shop, password: "{hash.stdout.decode().strip()}", allow: ["order copy", "read own", "cancel own", "events own"]}}
  - {{name: default, password: "{hash.stdout.decode().strip()}", allow: ["*"]}}
  - {{name: nopass, unix: [nobody], allow: ["order copy", "read own"]}}
""" + extra)
        return d, tcp_address(d)

    def test_over_TCP(self):
        d, address = self.start()
        c = d.connect(address=address)
        c.fails("NOAUTH", "ORDER", "copy", "x")
        c.fails("WRONGPASS", "AUTH", "shop", "Sesame")
        c.fails("WRONGPASS", "AUTH", "nopass", "")
        assert c.ok("AUTH", "shop", "sesame") == "OK"
        id = c.ok("ORDER", "copy", "x")
        assert c.ask("STATUS", id)["user"] == "shop"
        c.fails("NORECIPE", "ORDER", "wait", "x")
        c.fails("NOPERM", "PAUSE", "RECIPE", "copy")
        assert c.ok("RESET") == "RESET"
        c.fails("NOAUTH", "STATUS", id)
        assert c.ok("AUTH", "sesame") == "OK"  # the user default
        assert c.ok("PAUSE", "RECIPE", "copy") == "OK"

    def test_with_HELLO(self):
        d, address = self.start()
        c = d.connect(address=address)
        c.fails("WRONGPASS", "HELLO", "3", "AUTH", "shop", "wrong")
        assert c.ok("HELLO", "3", "AUTH", "shop", "sesame", "SETNAME", "me")["proto"] == 3
        assert c.ok("CLIENT", "GETNAME") == b"me"

    def test_a_failing_AUTH_in_a_pipeline_has_one_reply(self):
        d, address = self.start()
        c = d.connect(address=address)
        replies = c.pipeline([("PING",), ("AUTH", "shop", "wrong"), ("PING",), ("AUTH", "shop", "sesame"), ("PING",), ("AUTH", "shop", "wrong"), ("PING",)])
        assert [r.code if isinstance(r, Error) else str(r) for r in replies] == ["NOAUTH", "WRONGPASS", "NOAUTH", "OK", "PONG", "WRONGPASS", "PONG"]

    def test_a_stranger_is_answered_as_often_as_it_asks(self):
        d, address = self.start()
        c = d.connect(address=address)
        replies = c.pipeline([("HELLO", "3")] * 500 + [("AUTH", "shop", "sesame"), ("PING",)])
        assert {r.code for r in replies[:500]} == {"NOAUTH"} and replies[500:] == ["OK", "PONG"]

    def test_a_wrong_password_is_never_remembered_and_a_right_one_costs_once(self):
        d, address = self.start()
        for _ in range(50):
            with d.connect(address=address) as c:
                assert c.ok("AUTH", "shop", "sesame") == "OK"
        with d.connect(address=address) as c:
            c.fails("WRONGPASS", "AUTH", "default", "sesam")
            c.fails("WRONGPASS", "AUTH", "default", "sesam")

    def test_who_guesses_has_to_wait(self):
        d, address = self.start()
        for n in range(5):
            with d.connect(address=address) as c:
                c.fails("WRONGPASS", "AUTH", "shop", f"a{n}")
                c.fails("WRONGPASS", "AUTH", "shop", f"b{n}")
        with d.connect(address=address) as c:
            assert "too many" in c.fails("ERR", "AUTH", "shop", "sesame")
        assert d.connect().ok("PING") == "PONG"

    def test_hanging_up_while_the_password_is_verified(self):
        d, address = self.start()
        for n in range(4):
            with d.connect(address=address) as c:
                c.send(encode("AUTH", "shop", f"wrong{n}"))
        other = d.connect(3)
        d.wait_until(lambda: other.ask("STATS")["clients"]["connections"] == 1, "the others' end")


class Logins(Case):
    """Users by their login name or group: needs root, to be somebody else."""

    def as_user(self, uid, gid, address, *request):
        """What a process of this user is answered."""
        script = ("import os, sys\nsys.path.insert(0, sys.argv[1])\nimport bakery_resp\n"
                  "os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[4]))\n"
                  "c = bakery_resp.Connection(sys.argv[2], 30)\nprint(repr(c.call(*sys.argv[5:])))\n")
        done = subprocess.run([sys.executable, "-B", "-c", script, os.path.dirname(os.path.abspath(__file__)), address, str(gid), str(uid), *request],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def test_users_and_strangers_on_the_unix_socket(self):
        if os.geteuid() != 0:
            raise Skip("only root can be somebody else")
        import grp
        import pwd
        nobody, group = pwd.getpwnam("nobody"), grp.getgrnam("daemon")
        os.chmod(self.dir, 0o755)
        d = self.daemon(CONFIG + """
listen: [{unix: @DIR@/s, mode: 0666}]
users:
  - {name: shop, unix: [nobody], allow: ["order copy", "read own"]}
  - {name: staff, unix: ["@daemon"], allow: ["read all"]}
""")
        os.chmod(d.dir, 0o755)
        assert self.as_user(nobody.pw_uid, nobody.pw_gid, d.socket, "RECIPES", "copy").startswith("[b'name', b'copy'")
        assert "NORECIPE" in self.as_user(nobody.pw_uid, nobody.pw_gid, d.socket, "RECIPES", "wait")
        assert self.as_user(12345, group.gr_gid, d.socket, "LIST") == "[b'0', []]"
        assert "NOPERM" in self.as_user(12345, group.gr_gid, d.socket, "ORDER", "copy", "x")
        assert "NOAUTH" in self.as_user(12345, 12345, d.socket, "PING")
        assert d.connect().ok("PING") == "PONG"


main()

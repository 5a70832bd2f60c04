"""Being told: channels before, while and after an order ends; who hears what; other people's pub/sub."""

import json
import os

from bakery_test import Case, Error, Push, encode, main

CONFIG = """
recipes:
  copy: {run: [cat], timeout: 30s}
  wait: {run: [sh, -c, "read line < gate"], chdir: @DIR@, timeout: none}
  fail: {run: [sh, -c, "exit 3"], timeout: 30s}
"""


def message(frame):
    kind, channel, text = frame
    assert kind == b"message", frame
    return channel.decode(), json.loads(text)


class Channels(Case):
    def set_up(self):
        super().set_up()
        self.d = self.daemon(CONFIG)
        os.mkfifo(os.path.join(self.d.dir, "gate"))
        self.c = self.d.connect()

    def open_gate(self):
        with open(os.path.join(self.d.dir, "gate"), "w", encoding="ascii") as f:
            f.write("go\n")

    def until_final(self, subscriber, id):
        """The states that are told of, to the final one."""
        out = []
        while not out or out[-1]["state"] not in ("done", "failed", "cancelled"):
            channel, m = message(subscriber.read())
            assert channel == f"order:{id}" and m["id"] == id
            out.append(m)
        return out

    def test_subscribed_before_it_ends(self):
        for resp in (2, 3):
            s = self.d.connect(resp)
            id = self.c.ok("ORDER", "wait", "").decode()
            assert s.call("SUBSCRIBE", f"order:{id}") == [b"subscribe", f"order:{id}".encode(), 1]
            self.open_gate()
            told = self.until_final(s, id)
            last = told[-1]
            assert last["state"] == "done" and last["cause"] == "exit" and last["exit"] == 0 and last["attempt"] == 1
            assert [int(m["seq"]) for m in told] == sorted({int(m["seq"]) for m in told})
            # what is said is true: the result is there
            assert self.c.ok("RESULT", id) == b""

    def test_subscribed_after_it_ended(self):
        id = self.c.ok("ORDER", "fail", "").decode()
        status = self.c.ask("AWAIT", "0", id)
        for resp in (2, 3):
            s = self.d.connect(resp)
            s.send(encode("SUBSCRIBE", "a", f"order:{id}", "b"))
            assert [s.read()[1] for _ in range(3)] == [b"a", f"order:{id}".encode(), b"b"]
            frame = s.read()
            assert isinstance(frame, Push) is (resp == 3)
            _, m = message(frame)
            assert m["state"] == "failed" and m["exit"] == 3 and m["seq"] == status["seq"]

    def test_subscribed_in_the_very_moment(self):
        """As fast as it can, a hundred times: the end is told exactly once."""
        s = self.d.connect()
        for _ in range(100):
            id = self.c.ok("ORDER", "copy", "x").decode()
            s.send(encode("SUBSCRIBE", f"order:{id}"))
            assert s.read()[0] == b"subscribe"
            self.until_final(s, id)
            s.send(encode("UNSUBSCRIBE", f"order:{id}"))
            assert s.read() == [b"unsubscribe", f"order:{id}".encode(), 0]

    def test_told_again_after_a_lost_connection(self):
        id = self.c.ok("ORDER", "wait", "").decode()
        s = self.d.connect()
        s.ok("SUBSCRIBE", f"order:{id}")
        s.close()
        self.open_gate()
        self.c.ok("AWAIT", "0", id)
        s = self.d.connect()
        s.ok("SUBSCRIBE", f"order:{id}")
        assert self.until_final(s, id)[-1]["state"] == "done"

    def test_all_events(self):
        s = self.d.connect(3)
        s.ok("SUBSCRIBE", "events")
        p = self.d.connect()
        assert p.call("PSUBSCRIBE", "order:*") == [b"psubscribe", b"order:*", 1]
        ids = [self.c.ok("ORDER", "copy", "x").decode() for _ in range(3)]
        finals, seqs = set(), []
        while len(finals) < 3:
            channel, m = message(s.read())
            assert channel == "events"
            seqs.append(int(m["seq"]))
            if m["state"] == "done":
                finals.add(m["id"])
            kind, pattern, channel, text = p.read()
            assert (kind, pattern, channel.decode()) == (b"pmessage", b"order:*", f"order:{m['id']}")
            assert json.loads(text) == m
        assert finals == set(ids)
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "no event is missing"
        assert s.ok("PING") == "PONG"  # RESP3: everything goes on

    def test_restrictions_of_RESP2(self):
        s = self.d.connect()
        s.ok("SUBSCRIBE", "a")
        assert s.call("STATUS", "1") == Error(
            "ERR Can't execute 'status': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
        s.send(encode("PING") + encode("PING", "x"))
        s.expect(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n")
        assert s.call("UNSUBSCRIBE") == [b"unsubscribe", b"a", 0]
        assert s.ok("PING") == "PONG"
        assert s.call("UNSUBSCRIBE") == [b"unsubscribe", None, 0]
        s.ok("SUBSCRIBE", "a")
        assert s.ok("RESET") == "RESET" and s.ok("PING") == "PONG"

    def test_so_many_subscriptions(self):
        s = self.d.connect(3)
        names = [f"n{i}" for i in range(1024)]
        s.send(encode("SUBSCRIBE", *names))
        for i, name in enumerate(names, 1):
            assert s.read() == [b"subscribe", name.encode(), i]
        s.fails("BADARG", "SUBSCRIBE", "one-more")
        assert s.call("SUBSCRIBE", "n7") == [b"subscribe", b"n7", 1024]

    def test_a_subscriber_that_does_not_read_is_closed_and_nobody_else(self):
        lazy = self.d.connect()
        lazy.ok("PSUBSCRIBE", *["*", "o*", "or*", "ord*", "orde*", "order*"] * 1)
        for _ in range(5):
            lazy.read()
        reader = self.d.connect(3)
        busy = self.d.connect(3)
        busy.ok("PAUSE", "RECIPE", "copy")

        def closed():
            busy.pipeline([("ORDER", "copy", "x")] * 1000)
            return self.d.log("subscriber does not read")

        self.d.wait_until(closed, "the end of the subscriber")
        assert reader.ok("PING") == "PONG"


class Rights(Case):
    def test_what_one_may_not_see_is_silent(self):
        hash = "scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        done = self.daemon_password()
        d = self.daemon(CONFIG + f"""
users:
  - {{name: shop, password: "{done}", allow: ["order copy", "read own", "events own"]}}
  - {{name: blind, password: "{hash}", allow: ["order copy"]}}
""")
        admin, shop, other = d.connect(3), d.connect(3), d.connect(3)
        shop.ok("AUTH", "shop", "sesame")
        other.ok("AUTH", "shop", "sesame")
        foreign = admin.ok("ORDER", "copy", "x").decode()
        shop.send(encode("SUBSCRIBE", "events", f"order:{foreign}", "order:1"))
        for _ in range(3):
            assert shop.read()[0] == b"subscribe"
        admin.ok("AWAIT", "0", foreign)
        own = other.ok("ORDER", "copy", "x").decode()
        while True:
            channel, m = message(shop.read())
            assert channel == "events" and m["id"] == own and m["user"] == "shop", m
            if m["state"] == "done":
                break

    def daemon_password(self):
        import subprocess

        from bakery_test import BAKERYD, PATIENCE

        done = subprocess.run([BAKERYD, "--hash-password"], input=b"sesame", stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        return done.stdout.decode().strip()


main()

"""Limits: what is over one is refused with an error that says so, and everybody else goes on."""

from bakery_test import Case, Closed, Error, encode, main

YAML = """
recipes:
  echo: {run: [cat], timeout: 30s}
  hold: {run: [cat], timeout: 30s}
"""


class Limits(Case):
    def test_a_full_queue_refuses_and_takes_again(self):
        d = self.daemon("limits: {queued: 3}\n" + YAML)
        with d.connect() as c:
            c.ok("PAUSE", "RECIPE", "hold")
            numbers = [c.ok("ORDER", "hold", "") for _ in range(3)]
            c.fails("QUEUEFULL", "ORDER", "hold", "")
            assert c.ok("CANCEL", numbers[0]) == 1
            c.ok("ORDER", "hold", "")

    def test_a_pipeline_over_the_queue_is_refused_order_by_order(self):
        d = self.daemon("limits: {queued: 10}\n" + YAML)
        with d.connect() as c:
            c.ok("PAUSE", "RECIPE", "hold")
            replies = c.pipeline([("ORDER", "hold", "")] * 30)
            assert [isinstance(r, Error) for r in replies] == [False] * 10 + [True] * 20

    def test_a_payload_at_the_limit_is_taken_and_one_byte_more_is_not(self):
        d = self.daemon("limits: {payload: 64KiB}\n" + YAML)
        with d.connect() as c:
            number = c.ok("ORDER", "echo", "x" * 65536)
            assert c.ask("AWAIT", "60s", number)["state"] == "done"
            c.fails("TOOBIG", "ORDER", "echo", "x" * 65537)
            assert c.call("PING") == "PONG"

    def test_a_result_over_its_limit_is_cut_and_says_so(self):
        d = self.daemon("limits: {result: 1KiB}\nrecipes: {much: {run: [sh, -c, 'head -c 5000 /dev/zero'], timeout: 30s}}")
        with d.connect() as c:
            number = c.ok("ORDER", "much", "")
            status = c.ask("AWAIT", "60s", number)
            assert (status["state"], status["result_cut"], status["result_bytes"]) == ("done", 1, 1024), status
            assert c.fails("CUT", "RESULT", number).startswith("CUT 1024 5000")
            assert c.ok("RESULT", number, "PARTIAL") == bytes(1024)

    def test_too_many_clients_are_refused_and_the_others_stay(self):
        d = self.daemon("limits: {connections: 16}\n" + YAML)
        clients = []
        with d.connect() as first:
            refused = 0
            for _ in range(40):
                c = d.connect()
                clients.append(c)
                try:
                    reply = c.call("PING")
                except (Closed, OSError):
                    reply = Error("closed")
                refused += isinstance(reply, Error)
            assert refused >= 40 - 16
            assert first.call("PING") == "PONG"
            for c in clients:
                c.close()
            d.wait_until(lambda: self.is_served(d), "room for a client again")

    @staticmethod
    def is_served(d):
        try:
            with d.connect() as c:
                return c.call("PING") == "PONG"
        except (Closed, OSError):
            return False

    def test_a_client_that_does_not_read_holds_up_nobody(self):
        d = self.daemon(YAML)
        with d.connect() as deaf, d.connect() as c:
            deaf.sock.settimeout(1)
            try:
                for _ in range(200):
                    deaf.send(encode("ECHO", "x" * 100000))
            except (TimeoutError, OSError):
                pass  # the daemon has stopped reading it: that is what is wanted
            number = c.ok("ORDER", "echo", "x")
            assert c.ask("AWAIT", "60s", number)["state"] == "done"


main()

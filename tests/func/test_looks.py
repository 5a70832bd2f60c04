"""What the daemon says of itself and of orders that run: TASKS, the step that an order is in, what it waits for."""

import json
import os
import re
import socket

from bakery_test import BAKERYD, SOURCE, Case, main

YAML = """
recipes:
  nap: {steps: [{name: doze, sleep: 1h}], timeout: 2h}
  cake:
    params: {pipe: {type: path, required: true}}
    steps:
      - {name: mix, sleep: 1h}
      - {name: bake, run: [cat, "{pipe}"]}
    timeout: 3h
  gate: {params: {pipe: {type: path, required: true}}, run: [cat, "{pipe}"], timeout: 60s}
"""


def documented(verb):
    """The fields of a reply as PROTOCOL.md has them in the table of the verb: [(the first cell's words, the whole row)]."""
    with open(os.path.join(SOURCE, "proto", "PROTOCOL.md"), encoding="utf-8") as f:
        section = re.search(rf"^### {verb}\n(.*?)^##", f.read(), re.M | re.S)[1]
    table = re.search(r"^\| (?:field|group) \|.*\n\|[- |]+\n((?:\|.*\n)+)", section, re.M)[1]
    return [(re.findall(r"`([\w-]+)`", row.split("|")[1]), row) for row in table.splitlines()]


class Looks(Case):
    def gate(self, d, recipe="gate"):
        """An order whose job runs until open_gate()."""
        path = os.path.join(self.dir, "gate")
        os.mkfifo(path)
        return d.bakery("order", recipe, f"pipe={path}").strip()

    def open_gate(self):
        """Opening waits until the job is there."""
        with open(os.path.join(self.dir, "gate"), "w", encoding="utf-8"):
            pass

    def test_a_running_order_is_a_task(self):
        d = self.daemon(YAML)
        number = self.gate(d)

        def task():
            rows = [json.loads(line) for line in d.bakery("tasks", "--json").splitlines()]
            return [row for row in rows if row["id"] == number and row["about"] == "order" and row["waits_for"] == "job"]

        row = d.wait_until(task, "the order's task")[0]
        assert row["state"] == "waiting" and row["stack"] >= 16384 and 0 <= row["since"] <= row["age"], row
        table = d.bakery("tasks")
        assert re.match(r"NAME +ORDER +AGE +STATE +WAITS FOR +SINCE\n", table), table
        assert re.search(rf"^order +{number} +\S+ s +waiting +job +\S+ s$", table, re.M), table
        assert re.search(r"^tasks \(client \d+\) +\S+ s +running +\S+ s$", table, re.M), table
        assert len(d.bakery("tasks", "--count", "1").splitlines()) == 2
        self.open_gate()
        d.bakery("wait", number)
        assert not [row for row in d.connect(3).ok("TASKS") if row["id"] == number.encode()]

    def test_tasks_are_for_operators(self):
        d = self.daemon(start=False)
        secret = d.run([BAKERYD, "--hash-password"], input="sesame")[0].strip()
        d.configure(YAML + f'users: [{{name: guest, password: "{secret}", allow: ["order *", "read own"]}}]\n')
        d.start()
        c = d.connect()
        assert c.ok("TASKS")
        assert c.ok("AUTH", "guest", "sesame") == "OK"
        assert c.fails("NOPERM", "TASKS") == "NOPERM 'tasks' needs the right 'read all'"
        assert "COUNT" in d.bakery_error(2, "tasks", "--count", "0").upper()

    def test_the_step_that_an_order_is_in(self):
        d = self.daemon(YAML + "pools: {default: {workers: 2}}\n", clock=True)
        c = d.connect(3)
        number = self.gate(d, "cake")
        status = d.wait_until(lambda: (s := c.ask("STATUS", number))["waits_for"] == "sleep" and s, "the first step")
        assert (status["step"], status["pool"]) == ("mix", None), status
        explain = c.ask("EXPLAIN", number)
        assert explain["waits_for"] == "sleep", explain
        assert re.fullmatch(r"Attempt 1 is in step 1 of 2, 'mix': it sleeps, since \S+Z\.", explain["text"]), explain
        assert re.search(r"^step +mix \(sleep\)$", d.bakery("show", number), re.M)
        assert "running: mix (sleep)" in d.bakery("list")
        assert re.search(rf"^order +{number} .* waiting +sleep ", d.bakery("tasks"), re.M), d.bakery("tasks")
        d.clock.advance(3600)
        status = d.wait_until(lambda: (s := c.ask("STATUS", number))["waits_for"] == "job" and s, "the second step")
        assert (status["step"], status["pool"]) == ("bake", "default"), status
        text = "Attempt 1 is in step 2 of 2, 'bake': its job runs in pool 'default' (1 of its 2 workers are busy), since "
        assert c.ask("EXPLAIN", number)["text"].startswith(text), c.ask("EXPLAIN", number)
        assert re.search(rf"^order +{number} .* waiting +job ", d.bakery("tasks"), re.M), d.bakery("tasks")
        self.open_gate()
        d.bakery("wait", number)
        assert c.ask("STATUS", number)["step"] is None and c.ask("STATUS", number)["waits_for"] is None

    def test_an_order_whose_last_step_is_a_light_one_is_done(self):
        d = self.daemon(YAML, clock=True)
        c = d.connect(3)
        number = d.bakery("order", "nap").strip()
        d.wait_until(lambda: c.ask("STATUS", number)["waits_for"] == "sleep", "the order to sleep")
        d.clock.advance(3600)
        assert d.bakery("wait", number) == f"{number}  done\n"
        status = c.ask("STATUS", number)
        assert (status["state"], status["cause"], status["exit"], status["pool"]) == ("done", None, None, None), status
        assert re.search(r"^attempts +1$", d.bakery("show", number), re.M)

    def test_an_http_step_that_fails(self):
        d = self.daemon(start=False)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))  # nobody listens there
            recipe = f'recipes: {{fetch: {{steps: [{{http: {{url: "http://127.0.0.1:{s.getsockname()[1]}/x"}}}}], timeout: 60s}}}}\n'
            d.configure(recipe)
            d.start()
            said = d.bakery_error(125, "order", "fetch", "--wait")
            number = re.search(r"^bakery: order (\d+)$", said, re.M)[1]
            assert f"order {number} failed: an HTTP request failed\n" in said, said
            assert d.connect(3).ask("STATS")["steps"]["failed"] == 1
        shown = d.bakery("show", number)
        assert re.search(r"\nfailed in attempt 1 of 1: an HTTP request failed\n\nwhat is known of it:\n.+\n\nnext: bakery result", shown), shown
        assert re.search(r"^next: bakery recipes fetch ", shown, re.M), shown
        assert f"order {number} is failed. It failed (http) at 20" in d.bakery("explain", number)
        assert d.bakery("list", "--cause", "http", "--quiet").strip() == number

    def test_a_step_that_fails(self):
        d = self.daemon("recipes: {two: {steps: [{name: mix, sleep: 0}, {name: bake, run: ['false']}], timeout: 60s}}\n")
        said = d.bakery_error(1, "order", "two", "--wait")
        number = re.search(r"^bakery: order (\d+)$", said, re.M)[1]
        assert f"order {number} failed in step bake: exited with status 1\n" in said, said
        assert d.connect(3).ask("STATUS", number)["step"] == "bake"
        shown = d.bakery("show", number)
        assert "\nfailed in attempt 1 of 1, in step bake: exited with status 1\n" in shown, shown
        assert f"order {number} is failed. It failed in step 'bake' (exit) at 20" in d.bakery("explain", number)

    def test_the_protocol_has_every_field(self):
        d = self.daemon(YAML)
        c = d.connect(3)
        number = c.ok("ORDER", "gate", '{"pipe":"/dev/null"}').decode()
        replies = {
            "STATUS": c.ask("STATUS", number), "EXPLAIN": c.ask("EXPLAIN", number), "RECIPES": c.ask("RECIPES", "gate"),
            "TASKS": c.ok("TASKS")[0], "STATS": c.ask("STATS"),
        }
        for verb, reply in replies.items():
            names = [name for words, _ in documented(verb) for name in words]
            assert sorted(names) == sorted(reply), (verb, set(names) ^ set(reply))
        rows = {words[0]: row for words, row in documented("RECIPES")}
        for field in ("params", "steps"):
            for name in replies["RECIPES"][field][0]:
                assert f"`{name}`" in rows[field], (field, name)
        for words, row in documented("STATS"):
            fields = replies["STATS"][words[0]]
            fields = fields["default"] if words[0] == "pools" else fields
            said = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", row.split("|")[2]))
            # in one direction for states, of which more may come
            assert sorted(said) == sorted(fields) if words[0] != "orders" else set(said) <= set(fields), (words, set(said) ^ set(fields))


main()

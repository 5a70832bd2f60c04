"""What the daemon says of itself and of orders that run: TASKS, the step that an order is in, what it waits for."""

import json
import os
import re

from bakery_test import BAKERYD, SOURCE, Case, main

YAML = """
recipes:
  gate: {params: {pipe: {type: path, required: true}}, run: [cat, "{pipe}"], timeout: 60s}
"""


def documented(verb):
    """The fields of a reply as PROTOCOL.md has them in the table of the verb: [(the first cell's words, the whole row)]."""
    with open(os.path.join(SOURCE, "proto", "PROTOCOL.md"), encoding="utf-8") as f:
        section = re.search(rf"^### {verb}\n(.*?)^##", f.read(), re.M | re.S)[1]
    table = re.search(r"^\| (?:field|group) \|.*\n\|[- |]+\n((?:\|.*\n)+)", section, re.M)[1]
    return [(re.findall(r"`([\w-]+)`", row.split("|")[1]), row) for row in table.splitlines()]


class Looks(Case):
    def gate(self, d):
        """An order whose job runs until open_gate()."""
        path = os.path.join(self.dir, "gate")
        os.mkfifo(path)
        return d.bakery("order", "gate", f"pipe={path}").strip()

    def open_gate(self):
        """Opening waits until the job is there."""
        with open(os.path.join(self.dir, "gate"), "w", encoding="utf-8"):
            pass

    def test_a_running_order_is_a_task(self):
        d = self.daemon(YAML)
        number = self.gate(d)

        def task():
            rows = [json.loads(line) for line in d.bakery("tasks", "--json").splitlines()]
            return [row for row in rows if row["id"] == number and row["about"] == "order" and row["waits_for"] == "worker"]

        row = d.wait_until(task, "the order's task")[0]
        assert row["state"] == "waiting" and row["stack"] >= 16384 and 0 <= row["since"] <= row["age"], row
        table = d.bakery("tasks")
        assert re.match(r"NAME +ORDER +AGE +STATE +WAITS FOR +SINCE\n", table), table
        assert re.search(rf"^order +{number} +\S+ s +waiting +worker +\S+ s$", table, re.M), table
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

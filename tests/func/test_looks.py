"""What the daemon says of itself and of orders that run: TASKS, the step that an order is in, what it waits for."""

import json
import os
import re

from bakery_test import BAKERYD, Case, main

YAML = """
recipes:
  gate: {params: {pipe: {type: path, required: true}}, run: [cat, "{pipe}"], timeout: 60s}
"""


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


main()

"""The walk of an order from the three kinds of client: the command line, redis-cli, and Python's redis package."""

import hashlib
import json
import os
import threading

import redis

from bakery_test import Case, Skip, main, need

YAML = """
recipes:
  checksum:
    params: {file: {type: path, required: true}}
    run: [sha256sum, "{file}"]
    timeout: 30s
  echo: {run: [cat], timeout: 30s}
  gate:
    run: [cat, "@DIR@/gate"]
    timeout: 60s
  broken: {run: [sh, -c, "echo on standard error >&2; exit 3"], timeout: 30s}
"""


class Walk(Case):
    def start(self):
        d = self.daemon(YAML)
        content = os.urandom(3000)
        return d, self.path("some file", content), hashlib.sha256(content).hexdigest()

    def test_from_the_command_line(self):
        d, file, digest = self.start()
        assert d.bakery("order", "checksum", f"file={file}", "--wait") == f"{digest}  {file}\n"
        number = d.bakery("order", "checksum", f"file={file}").strip()
        d.bakery("wait", number)
        assert d.bakery("result", number) == f"{digest}  {file}\n"

    def test_a_relative_path_is_made_absolute(self):
        d, file, digest = self.start()
        out = d.bakery("order", "checksum", "file=some file", "--wait", cwd=self.dir)
        assert out == f"{digest}  {file}\n"

    def test_from_redis_cli(self):
        need("redis-cli", "redis-tools")
        d, file, digest = self.start()
        number = d.redis_cli("ORDER", "checksum", json.dumps({"file": file}))
        assert number.isdigit()
        status = d.redis_cli("AWAIT", "60s", number).splitlines()
        assert status[status.index("state") + 1] == "done"
        assert d.redis_cli("RESULT", number) == f"{digest}  {file}"

    def test_from_pythons_redis_package(self):
        d, file, digest = self.start()
        client = redis.Redis(unix_socket_path=d.socket)
        number = client.execute_command("ORDER", "checksum", json.dumps({"file": file}), "KEY", "k1")
        assert client.execute_command("ORDER", "checksum", json.dumps({"file": file}), "KEY", "k1") == number
        status = client.execute_command("AWAIT", "60s", number)
        assert dict(zip(status[::2], status[1::2]))[b"state"] == b"done"
        assert client.execute_command("RESULT", number).decode() == f"{digest}  {file}\n"
        client.close()

    def test_a_subscriber_of_pythons_redis_package_is_told(self):
        d = self.daemon(YAML)
        client = redis.Redis(unix_socket_path=d.socket)
        os.mkfifo(os.path.join(d.dir, "gate"))
        number = client.execute_command("ORDER", "gate", "").decode()
        subscriber = client.pubsub()
        subscriber.subscribe(f"order:{number}")
        assert subscriber.get_message(timeout=60)["type"] == "subscribe"
        # The job's cat ends when the pipe has been opened and closed again.
        threading.Thread(target=lambda: open(os.path.join(d.dir, "gate"), "w", encoding="utf-8").close(), daemon=True).start()
        state = None
        while state != "done":
            state = json.loads(subscriber.get_message(timeout=60)["data"])["state"]
        subscriber.close()

        late = client.pubsub()
        late.subscribe(f"order:{number}")
        assert late.get_message(timeout=60)["type"] == "subscribe"
        assert json.loads(late.get_message(timeout=60)["data"])["state"] == "done"
        late.close()
        client.close()

    def test_a_payload_may_hold_any_bytes(self):
        d = self.daemon(YAML)
        payload = bytes(range(256)) * 16
        for resp in (2, 3):
            with d.connect(resp) as c:
                number = c.ok("ORDER", "echo", payload)
                assert c.ask("AWAIT", "60s", number)["state"] == "done"
                assert c.ok("RESULT", number) == payload

    def test_a_failed_job_says_how_it_failed(self):
        d = self.daemon(YAML)
        with d.connect() as c:
            status = c.ask("AWAIT", "60s", c.ok("ORDER", "broken", ""))
        assert (status["state"], status["cause"], status["exit"]) == ("failed", "exit", 3), status
        assert "on standard error" in status["message"]
        assert "on standard error" in d.bakery_error(3, "order", "broken", "--wait")

    def test_an_order_with_a_delay_waits_for_its_time(self):
        d = self.daemon(YAML, clock=True)
        with d.connect() as c:
            number = c.ok("ORDER", "echo", "later", "DELAY", "10m")
            assert c.ask("STATUS", number)["state"] == "scheduled"
            d.clock.advance(601)
            assert c.ask("AWAIT", "60s", number)["state"] == "done"


class People(Case):
    def test_another_user_is_not_served(self):
        if os.getuid() != 0:
            raise Skip("only root can be somebody else")
        d = self.daemon(f"listen: [{{unix: {self.dir}/s, mode: 0666}}]\n" + YAML)
        os.chmod(self.dir, 0o755)
        program = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{self.dir}/s'); s.send(b'PING\\r\\n'); print(s.recv(100))"
        out, _ = d.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", program], cwd="/")
        assert "-NOAUTH" in out, out


main()

"""Other people's clients, unmodified: redis-cli, redis-benchmark, and Python's redis package."""

import json
import re
import subprocess

from bakery_test import PATIENCE, Case, Skip, encode, main, need

CONFIG = """
recipes:
  cake:
    params: {flavour: {type: string, required: true}}
    run: [echo, "{flavour}"]
    timeout: 30s
  copy: {run: [cat], timeout: 30s}
"""


class RedisCli(Case):
    def set_up(self):
        super().set_up()
        need("redis-cli", "redis-tools")
        self.d = self.daemon(CONFIG)

    def test_one_shot(self):
        cli = self.d.redis_cli
        id = cli("ORDER", "cake", '{"flavour":"sponge"}', "KEY", "one")
        assert re.fullmatch(r"\d+", id)
        assert cli("ORDER", "cake", '{"flavour":"sponge"}', "KEY", "one") == id
        assert "done" in cli("AWAIT", "10s", id).split("\n")
        assert cli("RESULT", id) == "sponge\n".rstrip("\n")
        assert cli("PING") == "PONG"

    def test_json(self):
        id = self.d.redis_cli("ORDER", "cake", '{"flavour":"sponge"}')
        status = json.loads(self.d.redis_cli("--json", "AWAIT", "10s", id))
        assert status["id"] == id and status["state"] == "done" and status["exit"] == 0 and status["message"] is None
        assert status["result_cut"] is False
        recipes = json.loads(self.d.redis_cli("--json", "RECIPES"))
        assert [r["name"] for r in recipes] == ["cake", "copy"]
        (flavour,) = recipes[0]["params"]
        assert (flavour["name"], flavour["type"], flavour["required"]) == ("flavour", "string", True)
        assert flavour["default"] is None
        assert json.loads(self.d.redis_cli("--json", "STATS"))["daemon"]["draining"] is False

    def test_errors_are_exit_statuses(self):
        _, said = self.d.run(["redis-cli", "-s", self.d.socket, "-e", "ORDER", "tart", "{}"], status=1)
        assert "NORECIPE" in said

    def test_a_payload_from_standard_input(self):
        payload = bytes(range(256))
        id = self.d.redis_cli("-x", "ORDER", "copy", input=payload)
        self.d.redis_cli("AWAIT", "10s", id)
        done = self.d.try_run(["redis-cli", "-s", self.d.socket, "--raw", "RESULT", id])
        assert done.stdout == payload + b"\n"

    def test_many_lines_and_hints(self):
        """With input that is no terminal it asks COMMAND DOCS, and then sends line by line."""
        out, _ = self.d.run(["redis-cli", "-s", self.d.socket], input='PING\nORDER copy x\nSTATUS 1\nhelp order\n')
        assert out.startswith("PONG\n") and "NOTFOUND" in out
        out = re.sub("\x1b\\[[0-9;]*m", "", out)
        assert "ORDER recipe payload [KEY key] [PRIORITY priority] [DELAY duration] [TIMEOUT duration] [RETRIES count]" in out, out

    def test_pipe(self):
        requests = b"".join(encode("ORDER", "copy", str(n)) for n in range(1000))
        done = self.d.try_run(["redis-cli", "-s", self.d.socket, "--pipe"], input=requests)
        assert b"errors: 0, replies: 1000" in done.stdout, done.stdout

    def test_subscribe(self):
        id = self.d.redis_cli("ORDER", "cake", '{"flavour":"sponge"}')
        self.d.redis_cli("AWAIT", "10s", id)
        p = subprocess.Popen(["redis-cli", "-s", self.d.socket, "--json", "SUBSCRIBE", f"order:{id}"], stdout=subprocess.PIPE)
        try:
            assert p.stdout.readline().startswith(b"Reading messages")
            assert json.loads(p.stdout.readline()) == ["subscribe", f"order:{id}", 1]
            kind, channel, text = json.loads(p.stdout.readline())
            assert (kind, channel) == ("message", f"order:{id}") and json.loads(text)["state"] == "done"
        finally:
            p.terminate()
            p.wait(PATIENCE)
            p.stdout.close()

    def test_benchmark(self):
        need("redis-benchmark", "redis-tools")
        out, _ = self.d.run(["redis-benchmark", "-s", self.d.socket, "-n", "2000", "-c", "10", "-P", "16", "-q", "ORDER", "copy", "x"])
        assert "requests per second" in out, out


class PythonRedis(Case):
    def set_up(self):
        super().set_up()
        try:
            import redis
        except ImportError:
            raise Skip("the redis package is not installed (Debian: python3-redis)") from None
        self.redis = redis
        self.d = self.daemon(CONFIG)
        self.r = redis.Redis(unix_socket_path=self.d.socket, socket_timeout=PATIENCE)

    def tear_down(self):
        if hasattr(self, "r"):
            self.r.close()
        super().tear_down()

    def test_an_order(self):
        id = self.r.execute_command("ORDER", "cake", '{"flavour":"sponge"}', "KEY", "one")
        status = self.r.execute_command("AWAIT", "10s", id)
        status = dict(zip(status[::2], status[1::2]))
        assert status[b"state"] == b"done" and status[b"id"] == id
        assert self.r.execute_command("RESULT", id) == b"sponge\n"
        try:
            self.r.execute_command("STATUS", 1)
        except self.redis.ResponseError as e:
            assert str(e).startswith("NOTFOUND ")
        else:
            raise AssertionError("no error")
        assert self.r.ping() is True
        assert self.r.info()["role"] == "master"
        assert self.r.info()["loading"] == 0
        assert isinstance(self.r.time(), tuple)
        assert "order" in self.r.command()
        assert self.r.client_setname("me") and self.r.client_getname() == "me"

    def test_with_a_name_and_a_database(self):
        r = self.redis.Redis(unix_socket_path=self.d.socket, client_name="me", db=0, health_check_interval=1)
        assert r.execute_command("ORDER", "copy", "x").isdigit()
        r.close()

    def test_a_pipeline(self):
        p = self.r.pipeline(transaction=False)
        for n in range(100):
            p.execute_command("ORDER", "copy", str(n))
        ids = p.execute()
        assert len(set(ids)) == 100
        self.r.execute_command("AWAIT", "10m", *ids, "ALL")
        assert self.r.execute_command("RESULT", ids[42]) == b"42"

    def test_pubsub(self):
        id = self.r.execute_command("ORDER", "cake", '{"flavour":"sponge"}').decode()
        p = self.r.pubsub(ignore_subscribe_messages=True)
        p.subscribe(f"order:{id}")
        while True:
            m = p.get_message(timeout=PATIENCE)
            if m and json.loads(m["data"])["state"] == "done":
                break
        assert m["channel"] == f"order:{id}".encode()
        p.unsubscribe()
        p.close()

    def test_pubsub_survives_a_lost_connection(self):
        id = self.r.execute_command("ORDER", "cake", '{"flavour":"sponge"}').decode()
        self.r.execute_command("AWAIT", "10s", id)
        p = self.r.pubsub(ignore_subscribe_messages=True)
        p.subscribe(f"order:{id}")
        p.connection.disconnect()
        m = None
        while not m:
            try:
                m = p.get_message(timeout=PATIENCE)
            except self.redis.ConnectionError:
                continue
        assert json.loads(m["data"])["state"] == "done"
        p.close()


main()

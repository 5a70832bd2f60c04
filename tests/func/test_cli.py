"""The command line: what it prints, what its exit statuses say, and what it does when something goes wrong."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios

from bakery_daemon import _known
from bakery_test import BAKERY, BAKERYD, PATIENCE, SOURCE, Case, Skip, main

YAML = """
pools: {default: {workers: 2}}
recipes:
  echo: {run: [cat], timeout: 60s}
  say:
    description: Says its parameters
    params:
      text: {type: string, max: 100}
      times: {type: integer, min: 1, max: 9, default: 1}
      size: {type: number}
      loud: {type: boolean}
      file: {type: path}
      words: {type: list}
    run: [cat]
    stdin: payload
    timeout: 60s
  shell:
    params: {script: {type: string, required: true, allow_dash: true}}
    run: [sh, -c, "{script}"]
    timeout: 60s
    kill_after: 100ms
  short: {run: [sleep, "600"], timeout: 100ms, kill_after: 100ms}
  missing: {run: [/nonexistent/program], timeout: 60s}
  weigh: {params: {weight: {type: number, max: 0.8, default: 0.7}}, run: [cat], stdin: "{weight}", timeout: 60s}
  nap: {steps: [{name: doze, sleep: 1h}], timeout: 2h}
  small: {run: [cat], result_max: 10, timeout: 60s}
  run:
    params: {argv: {type: list, required: true, allow_dash: true}, dir: {type: path}}
    run: ["{argv}"]
    chdir: "{dir}"
    timeout: 60s
"""


class Cli(Case):
    def gate(self, name="gate"):
        """A script whose job runs until open_gate(). One job for each name."""
        path = os.path.join(self.dir, name)
        os.mkfifo(path)
        return f"script=cat {path}; echo through"

    def open_gate(self, name="gate"):
        """Lets the job through. Opening waits until it is there."""
        with open(os.path.join(self.dir, name), "w", encoding="utf-8"):
            pass

    def start(self, d, *args, **options):
        """The command line in the background."""
        options.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen(
            [BAKERY, *args], env=d.client_env(), cwd=d.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        _known.add(p.pid)
        return p


class Ordering(Cli):
    def test_an_id_is_printed_and_the_rest_asks_for_it(self):
        d = self.daemon(YAML)
        number = d.bakery("order", "say", "text=hello").strip()
        assert number.isdigit()
        assert d.bakery("wait", number) == f"{number}  done\n"
        assert d.bakery("result", number) == '{"text":"hello","times":1}' == d.bakery("result", "-o", "-", number)
        shown = d.bakery("show", number)
        for line in (rf"^order +{number}$", r"^recipe +say$", r"^state +done$", r"^attempts +1$", r"^key +[0-9a-f-]{36}$"):
            assert re.search(line, shown, re.M), shown
        assert number in d.bakery("list") and number in d.bakery("list", "--quiet", "--state", "done")
        assert d.bakery("list", "--quiet", "--state", "failed") == ""
        assert re.fullmatch(rf"order {number} is done\. It ended at \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\n", d.bakery("explain", number))

    def test_with_wait_standard_output_is_the_result_only(self):
        d = self.daemon(YAML)
        out, err = d.run([BAKERY, "order", "shell", "script=printf result; echo noise >&2", "--wait"])
        assert out == "result"
        assert "order 1" in err
        out, err = d.run([BAKERY, "--quiet", "order", "--wait", "shell", "script=printf result"])
        assert (out, err) == ("result", "")

    def test_values_have_the_types_of_the_recipe(self):
        d = self.daemon(YAML)
        file = self.path("text", "from a file\n")
        out = d.bakery("order", "say", "times=3", "size=2.5", "loud=yes", "words=a", "words=b c", "file=x/y", f"text=@{file}", "--wait", cwd=self.dir)
        assert json.loads(out) == {
            "times": 3, "size": 2.5, "loud": True, "words": ["a", "b c"], "file": f"{self.dir}/x/y", "text": "from a file\n",
        }

    def test_a_list_is_about_a_time(self):
        d = self.daemon(YAML)
        number = d.bakery("order", "echo").strip()
        for since in ("1h", "2000-01-01", "2000-01-01 10:00", "2000-01-01T10:00:00Z"):
            assert d.bakery("list", "--quiet", "--since", since).strip() == number
            assert d.bakery("list", "--quiet", "--until", since).strip() == ""
        assert d.bakery("list", "--quiet", "--limit", "1", "--recipe", "echo", "--user", "nobody else") == ""

    def test_bad_values_are_refused_before_and_by_the_daemon(self):
        d = self.daemon(YAML)
        assert "not an integer" in d.bakery_error(2, "order", "say", "times=three")
        assert "no parameter tims" in d.bakery_error(2, "order", "say", "tims=3")
        assert "times" in d.bakery_error(2, "order", "say", "times=10")
        assert "--payload" in d.bakery_error(2, "order", "echo", "text=x")
        assert "no recipe 'cake'" in d.bakery_error(1, "order", "cake")
        assert "TOOBIG" in d.bakery_error(2, "order", "echo", "--payload", "-", input="x" * (1 << 20) + "x")
        assert "No such file" in d.bakery_error(2, "order", "echo", "--payload", "nothing")
        assert "No such file" in d.bakery_error(2, "map", "echo", "--json-lines", "nothing")
        assert "100 years" in d.bakery_error(2, "order", "echo", "--delay", "36501d")
        assert d.bakery("list", "--all") == ""

    def test_a_payload_comes_from_a_file_or_from_standard_input(self):
        d = self.daemon(YAML)
        assert d.bakery("order", "echo", "--wait", "--payload", self.path("p", "in a file")) == "in a file"
        assert d.bakery("order", "--payload", "-", "echo", "--wait", input="piped") == "piped"
        assert json.loads(d.bakery("order", "--payload", "-", "say", "--wait", input='{"times":2}')) == {"times": 2}
        assert "nowhere" in d.bakery_error(2, "order", "echo", "--payload", "nowhere")

    def test_the_same_key_gives_the_same_order(self):
        d = self.daemon(YAML)
        assert "an empty key" in d.bakery_error(2, "order", "echo", "--key", "")
        first = d.bakery("order", "say", "--key", "k", "text=a")
        assert d.bakery("order", "say", "--key", "k", "text=a") == first
        assert first.strip() in d.bakery_error(1, "order", "say", "--key", "k", "text=b")

    def test_a_command_of_ones_own(self):
        d = self.daemon(YAML)
        where = os.path.realpath(self.dir)
        assert d.bakery("run", "--wait", "--", "pwd", cwd=where) == where + "\n"
        assert d.bakery("run", "--wait", "echo", "-n", "a  b", "--wait") == "a  b --wait"
        d.bakery_error(7, "run", "--wait", "--", "sh", "-c", "exit 7")


class Statuses(Cli):
    def test_of_a_job_that_fails(self):
        d = self.daemon(YAML)
        err = d.bakery_error(3, "order", "shell", "script=echo why >&2; exit 3", "--wait")
        assert "why" in err and "exited with status 3" in err
        assert "signal 9" in d.bakery_error(137, "order", "shell", "script=kill -9 $$", "--wait")
        assert "longer than it may" in d.bakery_error(125, "order", "short", "--wait")
        assert "could not be started" in d.bakery_error(125, "order", "missing", "--wait")

    def test_of_a_failed_order_what_to_do_next(self):
        d = self.daemon(YAML)
        number = d.bakery("order", "shell", "script=echo last words >&2; exit 3").strip()
        assert "exited with status 3" in d.run([BAKERY, "wait", number], status=3)[0]
        shown = d.bakery("show", number)
        assert "failed in attempt 1 of 1: exited with status 3" in shown and "its last words:\nlast words\n" in shown and f"bakery result {number}" in shown

    def test_of_a_wait_that_is_over_too_soon(self):
        d = self.daemon(YAML)
        script = self.gate()
        err = d.bakery_error(124, "order", "shell", script, "--wait-timeout", "50ms")
        number = re.search(r"bakery wait (\d+)", err)[1]
        d.bakery_error(124, "wait", "--timeout", "50ms", number)
        self.open_gate()
        assert d.bakery("wait", number) == f"{number}  done\n"

    def test_of_a_wait_whose_order_is_cancelled(self):
        d = self.daemon(YAML)
        number = d.bakery("order", "shell", self.gate()).strip()
        waiting = self.start(d, "wait", number)
        assert d.bakery("cancel", number, "--reason", "a test") == f"{number}  cancelled\n"
        out, _ = waiting.communicate()
        assert (waiting.returncode, "cancelled" in out) == (125, True), out
        assert "final already" in d.bakery_error(1, "cancel", number)
        shown = d.bakery("show", number)
        assert re.search(r"^cancelled by +\S+$", shown, re.M) and re.search(r"^reason +a test$", shown, re.M), shown

    def test_of_what_is_refused(self):
        d = self.daemon(YAML)
        d.bakery_error(1, "show", "1")
        d.bakery_error(2, "show", "one")
        d.bakery_error(1, "result", "1")
        d.bakery_error(125, "wait", "1")
        d.bakery_error(125, "order", "cake", "--wait")
        d.bakery_error(125, "order", "say", "times=ten", "--wait")
        for args in (["order"], ["frobnicate"], ["order", "--frobnicate", "echo"], ["wait"], ["list", "x"], ["pause"], [],
                     ["order", "echo", "--delay", "10"], ["list", "--since", "yesterday"], ["--retry-for", "5", "ping"]):
            d.bakery_error(2, *args)

    def test_of_several(self):
        d = self.daemon(YAML)
        good = d.bakery("order", "shell", "script=true").strip()
        bad = d.bakery("order", "shell", "script=false").strip()
        d.bakery("wait", good, good)
        out, _ = d.run([BAKERY, "wait", good, bad], status=1)
        assert sorted(out.split("\n"))[1:] == sorted([f"{good}  done", f"{bad}  failed  exited with status 1"])
        d.bakery("wait", "--any", good, good)

    def test_without_a_daemon(self):
        d = self.daemon(YAML, start=False)
        assert "no daemon" in d.bakery_error(69, "ping")
        d.bakery_error(69, "order", "echo")
        d.bakery_error(125, "order", "echo", "--wait")
        out, err = d.run([BAKERY, "health"], status=2)
        assert out == "CRITICAL: it does not answer\n" and "no daemon" in err, (out, err)
        assert json.loads(d.run([BAKERY, "health", "--json"], status=2)[0])["queued"] is None

    def test_with_neither_daemon_both_places_are_named(self):
        if os.path.exists("/run/bakery/bakery.sock"):
            raise Skip("a daemon of the system's runs here")
        d = self.daemon(YAML, start=False)
        said = d.bakery_error(69, "ping", env={"XDG_RUNTIME_DIR": self.dir, "BAKERY_SERVER": ""})
        assert f"{self.dir}/bakery/bakery.sock" in said and "/run/bakery/bakery.sock" in said

    def test_a_socket_that_refuses_is_not_passed_by(self):
        d = self.daemon(YAML)
        runtime = os.path.join(self.dir, "run")
        os.makedirs(os.path.join(runtime, "bakery"), mode=0o700)
        path = os.path.join(runtime, "bakery", "bakery.sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
        env = {"XDG_RUNTIME_DIR": runtime, "BAKERY_SERVER": ""}
        assert path in d.bakery_error(69, "ping", env=env)

    def test_of_a_full_device(self):
        d = self.daemon(YAML)
        with open("/dev/full", "w", encoding="utf-8") as full:
            p = subprocess.run([BAKERY, "recipes"], env=d.client_env(), stdout=full, stderr=subprocess.PIPE, check=False)
        assert p.returncode == 1 and b"standard output" in p.stderr


class Many(Cli):
    def test_map_prints_ids_in_the_order_of_the_input(self):
        d = self.daemon(YAML)
        ids = d.bakery("map", "echo", "payload", "-", input="".join(f"line {n}\n" for n in range(2000))).split()
        assert len(set(ids)) == 2000
        assert ids == sorted(ids, key=int)
        for n in (0, 999, 1999):
            d.bakery("wait", ids[n])
            assert d.bakery("result", ids[n]) == f"line {n}"

    def test_map_gives_a_line_as_it_is(self):
        d = self.daemon(YAML)
        assert d.bakery("map", "echo", "payload", "-", "--wait", input="a\0b\n") == "a\0b"
        assert "line 1: text=a: not UTF-8" in d.bakery_error(2, "map", "say", "text", "-", input="a\0b\n")

    def test_map_prints_results_in_the_order_of_the_input(self):
        d = self.daemon(YAML)
        gate = self.gate().removeprefix("script=")
        # The first ends only after the second has begun.
        out = d.bakery("map", "--wait", "shell", "script", gate, f"echo second; : > {self.dir}/gate", "echo third")
        assert out == "through\nsecond\nthird\n"

    def test_map_again_with_the_same_keys_submits_nothing_twice(self):
        d = self.daemon(YAML)
        ids = d.bakery("map", "--key", "p", "say", "text", "a", "b", "c")
        assert d.bakery("map", "--key", "p", "say", "text", "a", "b", "c") == ids
        assert d.bakery("map", "--key", "p", "say", "text", "a", "b", "c", "d").startswith(ids)

    def test_map_names_the_line_that_is_refused(self):
        d = self.daemon(YAML)
        out, err = d.run([BAKERY, "map", "say", "--json-lines", "-", "--wait"], status=1, input='{"times":1}\n{"times":99}\n{"times":2}\n')
        assert out == '{"times":1}{"times":2}'
        assert "line 2" in err and "times" in err

    def test_map_names_the_line_that_is_no_value(self):
        d = self.daemon(YAML)
        out, err = d.run([BAKERY, "map", "say", "times", "1", "two", "3", "--wait"], status=1)
        assert out == '{"times":1}{"times":3}' and "line 2: times=two: not an integer" in err, (out, err)
        out, err = d.run([BAKERY, "map", "say", "times", "-", "--json"], status=2, input="one\n2\nthree\n4\n")
        assert [json.loads(line)["line"] for line in out.splitlines()] == [2, 4], out
        assert err.count("line 1: ") == err.count("line 3: ") == 1, err
        assert "line" not in d.bakery_error(2, "map", "say", "tims", "1", "2")

    def test_a_value_that_is_not_utf8_is_refused_rather_than_changed(self):
        d = self.daemon(YAML)
        for value in ("text", "file", "words"):
            assert "not UTF-8" in d.bakery_error(2, "order", "say", value + "=caf\udce9")
        assert "not UTF-8" in d.bakery_error(2, "run", "--", "echo", "caf\udce9")
        assert d.bakery("order", "echo", "--payload", "-", "--wait", input="caf\u00e9") == "caf\u00e9"
        assert d.bakery("list", "--quiet", "--recipe", "say") == ""

    def test_map_says_in_json_which_line_it_was(self):
        d = self.daemon(YAML)
        rows = [json.loads(line) for line in d.bakery("--json", "map", "echo", "payload", "a", "b", "--wait").splitlines()]
        assert [(r["line"], r["result"], r["state"]) for r in rows] == [(1, "a", "done"), (2, "b", "done")]

    def test_cancel_by_filter_asks_first(self):
        d = self.daemon(YAML)
        d.bakery("pause", "echo", "--reason", "until the test has seen it")
        ids = d.bakery("map", "echo", "payload", "1", "2", "3").split()
        other = d.bakery("order", "say", "text=x").strip()
        d.bakery("wait", other)
        assert "3 orders" in d.bakery_error(2, "cancel", "--recipe", "echo")
        d.bakery("cancel", "--recipe", "echo", "--yes")
        assert sorted(d.bakery("list", "--quiet", "--state", "cancelled").split()) == ids
        assert d.bakery("cancel", "--recipe", "echo", "--yes") == ""


class Operating(Cli):
    def test_pause_explain_resume(self):
        d = self.daemon(YAML)
        d.bakery("pause", "echo", "--reason", "new flour")
        number = d.bakery("order", "echo").strip()
        assert "paused" in d.bakery("explain", number)
        assert "(paused)" in d.bakery("recipes")
        assert json.loads(d.bakery("explain", number, "--json"))["waits_for"] == "paused"
        d.bakery("resume", "echo")
        d.bakery("wait", number)
        d.bakery_error(1, "pause", "cake")

    def test_recipes_tell_their_parameters(self):
        d = self.daemon(YAML)
        shown = d.bakery("recipes", "say")
        assert "Says its parameters" in shown and re.search(r"times +integer +default 1 +from 1; at most 9$", shown, re.M), shown
        assert re.search(r"^ +text +string +characters at most 100$", shown, re.M) and re.search(r"^steps +run \(run in default\)$", shown, re.M), shown
        assert "standard input" in d.bakery("recipes", "echo")
        assert re.search(r"weight +number +default 0\.7 +at most 0\.8$", d.bakery("recipes", "weigh"), re.M)
        assert "expected at most 0.8\n" in d.bakery_error(2, "order", "weigh", "weight=0.9")
        d.bakery_error(1, "recipes", "cake")

    def test_health_is_a_line_and_a_status(self):
        d = self.daemon(YAML)
        assert d.bakery("health").startswith("OK: 0 queued")
        d.bakery("pause", "echo")
        d.bakery("map", "echo", "payload", "1", "2", "3")
        assert d.run([BAKERY, "health", "--max-queued", "2"], status=1)[0].startswith("WARNING: 3 orders are queued")
        d.bakery("health", "--max-queued", "3", "--max-age", "1h")
        assert "queued for more than" in d.run([BAKERY, "health", "--max-age", "0s"], status=1)[0]
        assert re.search(r"^daemon\.started +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", d.bakery("stats"), re.M)
        assert json.loads(d.bakery("stats", "--json"))["orders"]["queued"] == 3

    def test_a_password_from_a_file(self):
        d = self.daemon(YAML, start=False)
        secret = d.run([BAKERYD, "--hash-password"], input="open sesame")[0].strip()
        d.configure(
            "listen: [{tcp: '127.0.0.1:0'}, {unix: @DIR@/s}]\n"
            + YAML
            + f'users: [{{name: shop, password: "{secret}", allow: ["order echo", "read own"]}}]\n'
        )
        d.start()
        port = int(d.wait_log(r"127\.0\.0\.1:\d+")[0].rsplit("127.0.0.1:", 1)[1].split()[0].strip('"'))
        right, wrong = self.path("right", "open sesame\n", 0o600), self.path("wrong", "close sesame\n", 0o600)
        server = ["--server", f"127.0.0.1:{port}", "--login", "shop", "--password-file"]
        assert d.bakery(*server, right, "order", "echo", "--wait", "--payload", "-", input="hello") == "hello"
        assert "WRONGPASS" in d.bakery_error(77, *server, wrong, "ping")
        assert "--password-file" in d.bakery_error(2, "--server", f"127.0.0.1:{port}", "--login", "shop", "ping")
        d.bakery_error(2, *server, "/nonexistent/password", "ping")
        assert "NOAUTH" in d.bakery_error(77, "--server", f"127.0.0.1:{port}", "ping")
        assert "NOPERM" in d.bakery_error(77, *server, right, "pause", "echo")


class Programs(Cli):
    def test_json_is_an_object_a_line(self):
        d = self.daemon(YAML)
        order = json.loads(d.bakery("order", "echo", "--wait", "--json", "--payload", "-", input="x"))
        assert order["result"] == "x" and order["state"] == "done" and order["exit"] == 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", order["created"]), order
        number = json.loads(d.bakery("--json", "order", "echo"))["id"]
        rows = [json.loads(line) for line in d.bakery("list", "--json").splitlines()]
        assert [row["id"] for row in rows] == [number, order["id"]]
        names = [json.loads(line)["name"] for line in d.bakery("recipes", "--json").splitlines()]
        assert names == sorted(names) and "say" in names
        refused = json.loads(d.run([BAKERY, "--json", "show", "1"], status=1)[0])
        assert refused["error"] == "NOTFOUND"

    def test_a_result_may_hold_any_bytes(self):
        d = self.daemon(YAML)
        payload = bytes(range(256))
        p = d.try_run([BAKERY, "order", "echo", "--wait", "--payload", "-"], input=payload)
        assert p.stdout == payload
        number = d.bakery("list", "--quiet").strip()
        d.bakery("result", number, "-o", os.path.join(self.dir, "out"))
        with open(os.path.join(self.dir, "out"), "rb") as f:
            assert f.read() == payload
        assert "result_b64" in json.loads(d.bakery("result", number, "--json"))

    def test_a_cut_result_is_told(self):
        d = self.daemon(YAML)
        out, err = d.run([BAKERY, "order", "small", "--wait", "--payload", "-"], input="0123456789abcdef")
        assert out == "0123456789"
        assert "10 of 16 bytes" in err

    def test_a_result_before_the_end(self):
        d = self.daemon(YAML)
        number = d.bakery("order", "shell", self.gate()).strip()
        assert "not final" in d.bakery_error(1, "result", number)
        self.open_gate()
        d.bakery("wait", number)


class Terminal(Cli):
    def watch(self, fd, text):
        """Reads from the terminal until it shows the text."""
        seen = b""
        while text not in seen:
            assert select.select([fd], [], [], PATIENCE)[0], f"never shown: {text}, but {seen}"
            seen += os.read(fd, 4096)
        return seen

    def waiting(self, d, *words, **env):
        """order --wait (of a gate's job) with standard error on a terminal: the process, and the terminal's other end."""
        ours, theirs = pty.openpty()
        p = subprocess.Popen(
            [BAKERY, "order", *(words or ("shell", self.gate())), "--wait"], env={**d.client_env(), "TERM": "xterm", **env}, cwd=d.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, text=True,
        )
        _known.add(p.pid)
        os.close(theirs)
        return p, ours

    def test_a_wait_moves_on_a_terminal(self):
        d = self.daemon(YAML)
        p, terminal = self.waiting(d)
        self.watch(terminal, b"running")
        self.open_gate()
        out, _ = p.communicate()
        assert (p.returncode, out) == (0, "through\n")
        os.close(terminal)

    def test_a_wait_shows_the_step(self):
        d = self.daemon(YAML, clock=True)
        p, terminal = self.waiting(d, "nap")
        self.watch(terminal, b"running: doze (sleep)")
        d.clock.advance(3600)
        assert p.communicate()[0] == "" and p.returncode == 0
        os.close(terminal)

    def test_tables_fit_on_a_terminal(self):
        d = self.daemon(YAML.replace("Says its parameters", "Says its parameters, " * 10 + "é"))
        d.bakery("order", "shell", "script=exit 3")
        d.bakery_error(3, "wait", d.bakery("list", "--quiet").strip())
        assert "é" in d.bakery("recipes")
        for command, last in (("recipes", "…"), ("list", "exit 3")):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            subprocess.run([BAKERY, command], env={**d.client_env(), "TERM": "dumb"}, stdout=theirs, check=True)
            os.close(theirs)
            shown = self.watch(ours, last.encode()).decode()
            os.close(ours)
            assert all(len(line) <= 80 for line in shown.splitlines()), shown

    def test_nothing_moves_where_that_is_not_welcome(self):
        d = self.daemon(YAML)
        p, terminal = self.waiting(d, NO_COLOR="1")
        self.watch(terminal, b"order ")
        self.open_gate()
        out, _ = p.communicate()
        assert (p.returncode, out) == (0, "through\n")
        rest = b""
        while select.select([terminal], [], [], 0)[0]:
            try:
                rest += os.read(terminal, 4096)
            except OSError:
                break
        assert b"\x1b" not in rest and b"running" not in rest, rest
        os.close(terminal)


class Manual(Cli):
    def test_the_manual_and_the_help_have_the_same_commands_and_options(self):
        d = self.daemon(YAML, start=False)
        with open(os.path.join(SOURCE, "client", "bakery.1"), encoding="utf-8") as f:
            manual = f.read()
        commands = re.findall(r"^  (\w+) +\S", d.bakery("help"), re.M)
        assert len(commands) > 10 and "order" in commands
        assert sorted(set(re.findall(r"^\.It Nm Cm (\w+)", manual, re.M))) == sorted(commands)
        helps = "".join(d.bakery("help", c) for c in commands if c != "help")
        options = {o for o in re.findall(r"--([a-z][a-z-]+)", helps)}
        written = {o for o in re.findall(r"Fl -([a-z][a-z-]+)", manual)}
        assert options == written, options ^ written
        assert d.bakery("order", "--help") == d.bakery("help", "order")


class Trouble(Cli):
    def test_waiting_survives_a_restart_of_the_daemon(self):
        d = self.daemon(YAML)
        number = d.bakery("order", "shell", self.gate("one")).strip()
        waits = [
            self.start(d, "wait", number),
            self.start(d, "wait", number, number),
            self.start(d, "order", "--wait", "shell", self.gate("two")),
        ]
        d.wait_until(lambda: json.loads(d.bakery("stats", "--json"))["clients"]["waiting"] == 3, "the clients to wait")
        d.stop()
        d.start()
        self.open_gate("one")
        self.open_gate("two")
        for p in waits:
            out, err = p.communicate()
            assert p.returncode == 0, err
        assert out == "through\n"

    def test_a_submission_survives_a_killed_front(self):
        d = self.daemon(YAML)
        p = self.start(d, "map", "echo", "payload", "-", stdin=subprocess.PIPE)
        for n in range(3000):
            if n == 1500:
                d.kill("front")
            try:
                p.stdin.write(f"{n}\n")
            except BrokenPipeError:
                break
        out, err = p.communicate()
        assert p.returncode == 0, err
        assert len(set(out.split())) == 3000
        assert len(d.bakery("list", "--all", "--quiet").split()) == 3000

    def test_an_interrupted_wait_leaves_the_order_alone(self):
        d = self.daemon(YAML)
        p = self.start(d, "order", "shell", self.gate(), "--wait")
        number = re.search(r"order (\d+)", p.stderr.readline())[1]
        d.wait_until(lambda: json.loads(d.bakery("show", number, "--json"))["state"] == "running", "the job")
        p.send_signal(signal.SIGINT)
        _, err = p.communicate()
        assert p.returncode == -signal.SIGINT
        assert f"bakery wait {number}" in err
        self.open_gate()
        assert d.bakery("wait", number) == f"{number}  done\n"

    def test_an_interrupted_wait_cancels_when_asked_to(self):
        d = self.daemon(YAML)
        p = self.start(d, "order", "shell", self.gate(), "--cancel-on-exit")
        number = re.search(r"order (\d+)", p.stderr.readline())[1]
        p.send_signal(signal.SIGTERM)
        _, err = p.communicate()
        assert p.returncode == -signal.SIGTERM and "cancelled" in err
        assert "cancelled" in d.run([BAKERY, "wait", number], status=125)[0]

    def test_an_address_that_is_none(self):
        d = self.daemon(YAML, start=False)
        assert "expected unix:PATH, HOST:PORT or [IPV6]:PORT" in d.bakery_error(2, "--server", "nonsense", "ping")
        assert "TLS" in d.bakery_error(2, "--server", "tls:localhost:2254", "ping")

    def test_help_is_there_for_help_too(self):
        d = self.daemon(YAML, start=False)
        assert d.bakery("help", "help") == d.bakery("help", "--help") == d.bakery("--help")
        assert "usage: bakery ping\n" in d.bakery("ping", "--help")


main()

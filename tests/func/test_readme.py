"""Every example of README.md that is marked <!-- test: … --> does what is written there, and so does PROTOCOL.md's first conversation."""

import os
import re
import subprocess
import sys

from bakery_http import Server
from bakery_test import BAKERY, BUILD, PATIENCE, SOURCE, Case, main, need

README = os.path.join(SOURCE, "README.md")


def blocks(kind):
    """The marked blocks of a kind, each with the unmarked output block that follows it at once, if any."""
    with open(README, encoding="utf-8") as f:
        text = f.read()
    return re.findall(rf"<!-- test: {kind} -->\n```\w*\n(.*?)^```\n(?:```\n(.*?)^```)?", text, re.M | re.S)


def pattern(expected):
    """… stands for anything, in a line; a line of it alone for any lines, or none."""
    lines = []
    for line in expected.splitlines():
        lines.append(r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n")
    return "".join(lines)


def without_times(said):
    """Without redis-cli's remark when a reply took long."""
    return re.sub(r"^\(\d+\.\d+s\)\n", "", said, flags=re.M)


def commands(block):
    """[(command, what it is to print)]."""
    out = []
    for line in block.splitlines():
        if line.startswith("$ "):
            out.append([line[2:], ""])
        else:
            out[-1][1] += line + "\n"
    return out


class Readme(Case):
    def set_up(self):
        super().set_up()
        with open(os.path.join(SOURCE, "conf", "quickstart.yaml"), encoding="utf-8") as f:
            self.use(self.daemon(f.read()))

    def use(self, d):
        """The examples talk to this daemon from now on."""
        self.env = dict(d.client_env(), SOCKET=d.socket, PATH=os.path.dirname(BAKERY) + ":" + BUILD + ":" + d.env["PATH"])

    def prints(self, argv, script, expected):
        done = subprocess.run(argv, input=script.encode(), env=self.env, cwd=SOURCE, timeout=PATIENCE, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = without_times(done.stdout.decode())
        wanted = "".join(pattern(e) for e in expected)
        assert done.returncode == 0, f"{argv} ended with {done.returncode}: {done.stderr.decode()}"
        assert re.fullmatch(wanted, said), f"printed\n{said}\ninstead of\n{''.join(expected)}"

    def test_the_shell_examples_do_what_is_written(self):
        need("redis-cli", "redis-tools")
        found = blocks("shell")
        assert len(found) >= 3
        for block, _ in found:
            lines = commands(block)
            self.prints(["bash", "-e", "-o", "pipefail"], "\n".join(c for c, _ in lines), [e for _, e in lines])

    def test_the_cake_of_several_steps(self):
        ((recipe, _),) = blocks("recipe")
        ((block, _),) = blocks("cake")
        server = Server()
        try:
            self.use(self.daemon(recipe.replace("http://127.0.0.1:8000", server.url)))
            for command, expected in commands(block):
                if command.startswith("bakery wait"):
                    server.requests[0].answer(b"flour")
                self.prints(["bash", "-e"], command, [expected])
                if command.startswith("bakery order"):
                    (request,) = server.wait(1)
                    assert request.path == "/sponge.json", request.path
        finally:
            server.close()

    def test_the_python_example_does_what_is_written(self):
        found = blocks("python")
        assert found
        for program, output in found:
            self.prints([sys.executable, "-"], program, [output])

    def test_the_first_conversation_of_the_protocol(self):
        need("redis-cli", "redis-tools")
        with open(os.path.join(SOURCE, "proto", "PROTOCOL.md"), encoding="utf-8") as f:
            block = re.search(r"^## 2\..*?^```\n\$ redis-cli.*?\n(.*?)^```", f.read(), re.M | re.S)[1]
        block = re.sub('"[0-9a-f]{4}…', '"…', block)  # the sum of this machine's file
        id = re.search(r'^"(\d+)"$', block, re.M)[1]
        client = ["redis-cli", "-3", "--no-raw", "-s", self.daemons[0].socket]
        found = commands(re.sub(r"^ …$", "…", block, flags=re.M).replace("\n> ", "\n$ ").replace("> ", "$ ", 1))
        assert len(found) == 3
        real = None
        for command, expected in found:
            if real is None:
                said = subprocess.run(client, input=command.encode(), stdout=subprocess.PIPE, timeout=PATIENCE, check=True).stdout
                said = without_times(said.decode())
                assert re.fullmatch(r'"\d+"\n', said), said
                real = said.strip().strip('"')
            self.prints(client, command.replace(id, real), [expected.replace(id, real)])


main()

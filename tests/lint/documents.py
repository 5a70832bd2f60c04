"""Documents against tables: what the code can do is in the documents, and what they say exists."""

import os
import re

from lint import SOURCE, case, end, files, read

PROTOCOL = "proto/PROTOCOL.md"
protocol = read(PROTOCOL)


def difference(here, a, there, b):
    return [f"{x} is in {here}, not in {there}" for x in sorted(set(a) - set(b))] + [
        f"{x} is in {there}, not in {here}" for x in sorted(set(b) - set(a))
    ]


def only_in(here, a, there, b):
    return [f"{x} is in {here}, not in {there}" for x in sorted(set(a) - set(b))]


def def_words(path, macro):
    return [w for w in re.findall(rf'^{macro}\(\w+, "([^"]*)"', read(path), re.M) if w]


def section(text, title):
    """From a heading to the next one of the same depth or less."""
    found = re.search(rf"^(#+) {title}\n(.*?)(?=^#{{1,6}} |\Z)", text, re.M | re.S)
    return found[2] if found else ""


# ---- the protocol

sources = {path: read(path) for path in files(".c", under=("daemon/session",))}
session = "\n".join(sources.values())

verbs = {name.upper() for name in re.findall(r"&command_(\w+),", read("daemon/session/command.c"))}
headings = re.findall(r"^### (.*)$", protocol, re.M)
described = {verb.strip() for heading in headings for verb in heading.split(",") if re.fullmatch(r"[A-Z, ]+", heading)}
rows = re.findall(r"^\| (`.*?) \|", section(protocol, "10\\. The compatibility set").replace("\\|", "/"), re.M)
compatible = {verb for row in rows for verb in re.findall(r"`([A-Z]+)", row)}
case("every verb of the protocol is carried out, and every verb is described",
     difference("daemon/session/command.c", verbs, PROTOCOL, described | compatible))


def shape(text):
    """A line of syntax without the names of what options take."""
    return re.sub(r"([A-Z]+) [a-z]+(\[,\w…\])?", r"\1 …", re.sub(r"\s+", " ", text)).strip()


blocks = [shape(block) for block in re.findall(r"^```\n(.*?)^```", protocol, re.M | re.S)]
unwritten = []
for row in re.finditer(r"const struct command command_(\w+) = \{(.*?)^\};", session, re.M | re.S):
    syntax = re.search(r"\.syntax = ((?:\s*\"[^\"]*\")+)", row[2])
    text = row[1].upper() + " " + "".join(re.findall(r'"([^"]*)"', syntax[1])) if syntax else row[1].upper()
    if row[1].upper() in described and not any(shape(text) in block for block in blocks):
        unwritten.append(f"{PROTOCOL} has no block with: {text}")
case("every verb's arguments are written as its row has them", unwritten)

codes = set(re.findall(r'reply_error\(\s*[^,]+,\s*"([A-Z]+)"', session))
codes |= set(re.findall(r'\{(?:ERR_\w+|-E\w+), "([A-Z]+)"', session))
table = set(re.findall(r"^\| `([A-Z]+)[ `]", section(protocol, "7\\. Errors"), re.M))
case("every error code is in the table of errors, and is sent", difference("daemon/session", codes, PROTOCOL, table))

states = re.search(r"^\| `state` \| string \| (.*) \|$", protocol, re.M)
case("the states of the protocol are those of state.def",
     only_in(PROTOCOL, re.findall(r"`(\w+)`", states[1]), "daemon/order/state.def", def_words("daemon/order/state.def", "STATE")))

causes = re.search(r"^\| `cause` \| the attempt.*?\n\n", protocol, re.M | re.S)
case("the causes of the protocol are those of cause.def",
     only_in(PROTOCOL, re.findall(r"^\| `([\w-]+)` \| ", causes[0].split("\n", 2)[2], re.M), "daemon/order/cause.def",
             def_words("daemon/order/cause.def", "CAUSE")))

# ---- the command lines

OPTION = r'\{"([a-z][a-z-]+)", (?:no|required|optional)_argument'
page = "daemon/ops/bakeryd.8"
case("bakeryd(8) has the options of bakeryd",
     difference("daemon/ops/options.c", re.findall(OPTION, read("daemon/ops/options.c")), page,
                re.findall(r"^\.It Fl .*?-([a-z][a-z-]+)", read(page), re.M)))

page = "client/bakery.1"
manual = read(page)
commands = {name for path in files(".c", under=("client",)) for name in re.findall(r'^    \.name = "(\w[\w-]*)"', read(path), re.M)}
case("bakery(1) has the commands of bakery",
     difference("client/cmd_*.c", commands - {"help"}, page, set(re.findall(r"^\.It Nm Cm (\S+)", manual, re.M)) - {"help"}))
options = {name for path in files(".c", under=("client",)) for name in re.findall(OPTION, read(path))}
case("bakery(1) has the options of bakery", only_in("client", options, page, re.findall(r"Fl -([a-z][a-z-]+)", manual)))

variables = set()
for path in files(".c", under=("daemon", "conf", "client", "proto")):
    variables |= set(re.findall(r'getenv\("(\w+)"\)', read(path)))
manuals = read("daemon/ops/bakeryd.8") + manual + read("conf/bakery.yaml.5")
case("every variable of the environment is in a manual page",
     only_in("the code", variables - {"HOME", "PATH", "TERM", "USER", "LANG", "TMPDIR"}, "the manual pages", re.findall(r"\b[A-Z][A-Z_]+\b", manuals)))

# ---- what is said to be there is there

absent = []
for path in files(".md", ".8", ".5", ".1") + ["README.md", "CHANGELOG.md"]:
    for number, line in enumerate(read(path).splitlines(), 1):
        for name in re.findall(r"(?<![\w./-])((?:daemon|client|proto|conf|tests|systemd)/[\w./*-]*\w)", line):
            place = os.path.join(SOURCE, name)
            if "*" not in name and not os.path.exists(place):
                absent.append(f"{path}:{number}: {name} does not exist")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
            if not os.path.exists(os.path.join(SOURCE, os.path.dirname(path), target)):
                absent.append(f"{path}:{number}: the link to {target} leads nowhere")
case("files that documents name exist", absent)
end()

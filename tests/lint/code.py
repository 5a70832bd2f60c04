"""Rules that a compiler does not know: functions that are never used, marks that do not belong, the form of files and headers."""

import re
import shutil

from lint import case, end, files, read, run

BANNED = {
    "strcpy": "no bound: memcpy or snprintf",
    "strcat": "no bound",
    "sprintf": "no bound: snprintf",
    "vsprintf": "no bound: vsnprintf",
    "gets": "no bound",
    "strtok": "hidden state: strtok_r or strcspn",
    "alloca": "stacks of tasks are small",
    "system": "no shell",
    "popen": "no shell",
    "rand": "daemon/base/rand.h",
    "srand": "daemon/base/rand.h",
    "gmtime": "static memory: gmtime_r",
    "localtime": "static memory: localtime_r",
    "tmpnam": "races",
    "mktemp": "races",
}


def without_comments_and_strings(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


banned, marks, form, guards, spaces = [], [], [], [], []
call = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
sources = files(".c", ".h")
for path in sources:
    text = read(path)
    code = without_comments_and_strings(text)
    for number, line in enumerate(code.splitlines(), 1):
        for name in call.findall(line):
            if not path.startswith("tests/"):
                banned.append(f"{path}:{number}: {name}(): {BANNED[name]}")
    if path.endswith(".h"):
        guard = "BAKERY_" + re.sub(r"\W", "_", path.removeprefix("daemon/")).upper()
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            guards.append(f"{path}: the guard is not {guard}")
    # A .c file whose header lies beside it leaves that to the header, a unit test to its name.
    if not path.startswith("tests/unit/test_") and not text.startswith("/*") and not (path.endswith(".c") and path[:-2] + ".h" in sources):
        form.append(f"{path}: does not begin with a comment that says what it is for")

for path in sources + files(".py", ".sh", ".md", ".mk", ".def", ".in", ".service", ".socket", ".yaml", ".8", ".5", ".1"):
    if path == "tests/lint/code.py" or "/corpus/" in path:
        continue
    for number, line in enumerate(read(path).splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            marks.append(f"{path}:{number}: {line.strip()}")
        if line != line.rstrip() and not path.endswith(".md"):
            spaces.append(f"{path}:{number}: white space at the end of the line")

case("no function is called that has a safe successor", banned)
case("nothing is left to be done", marks)
case("every source file begins by saying what it is for", form)
case("header guards are named after the file", guards)
case("no white space at the ends of lines", spaces)

clang_format = shutil.which("clang-format")
version = run([clang_format, "--version"])[1] if clang_format else ""
if re.search(r"version 14\.", version):
    status, said = run([clang_format, "--dry-run", "--Werror", *sources])
    case("the code is as clang-format writes it", said.splitlines()[:40] if status else [])
else:
    reason = version.strip() or "clang-format is not installed (Debian: clang-format)"
    case("the code is as clang-format writes it", [], skip=f"versions differ in taste, ours is 14: {reason}")
end()

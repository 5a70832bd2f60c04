"""What the lint programs share: the files of the tree, and one line of TAP for each question."""

import os
import subprocess
import sys

SOURCE = os.path.abspath(os.environ.get("top_srcdir") or os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("top_builddir") or os.path.join(SOURCE, "build"))

_cases = []


def files(*suffixes, under=("daemon", "client", "proto", "conf", "tests", "systemd")):
    """Paths, relative to the source tree, of the files with one of these suffixes."""
    out = []
    for top in under:
        for folder, folders, names in os.walk(os.path.join(SOURCE, top)):
            folders.sort()
            out += [os.path.relpath(os.path.join(folder, n), SOURCE) for n in sorted(names) if n.endswith(suffixes)]
    return out


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def run(argv, **options):
    """A command: (exit status, what it said on both outputs)."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=SOURCE, check=False, **options)
    return done.returncode, done.stdout.decode(errors="replace")


def case(title, problems, skip=None):
    """One question: fine when problems (texts, each naming its file) is empty."""
    _cases.append((title, list(problems), skip))


def end():
    """Prints all and exits."""
    print(f"1..{len(_cases)}")
    failed = 0
    for number, (title, problems, skip) in enumerate(_cases, 1):
        for problem in problems:
            print("#", problem)
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {title}" + (f" # SKIP {skip}" if skip else ""))
    sys.exit(1 if failed else 0)

"""
The functional tests' frame. A test program is a file with a class of cases:

    from bakery_test import Case, main

    class Orders(Case):
        def test_an_order_is_done(self):
            d = self.daemon("recipes: {say: {run: [echo, hello]}}")
            assert d.bakery("order", "say", "--wait") == "hello\\n"

    main()

Each method test_… is a case of its own with a new private directory (self.dir), and one line of TAP. Daemons that it starts
are ended after it, and their logs are shown when it fails. No case sleeps: it waits for a message, a line of the log, a
reply, and gives up after PATIENCE seconds ($BAKERY_TEST_PATIENCE), which is a hang and not a measurement.

By hand: top_builddir=build python3 tests/func/test_NAME.py [CASE…]
"""

import inspect
import os
import shutil
import signal
import sys
import tempfile
import traceback

from bakery_daemon import BAKERY, BAKERYD, BUILD, PATIENCE, SOURCE, Daemon  # noqa: F401 (for the tests)
from bakery_resp import Closed, Connection, Error, Push, Simple, encode  # noqa: F401 (for the tests)


class Skip(Exception):
    """The case cannot run here; the text says why."""


class Hang(Exception):
    """A case took longer than all its waits together may."""


def need(program, package):
    """Skips the case when a program of somebody else is not installed."""
    path = shutil.which(program)
    if not path:
        raise Skip(f"{program} is not installed (Debian: {package})")
    return path


class Case:
    """What a case has at hand. Subclasses hold the cases."""

    def set_up(self):
        self.daemons = []
        base = os.environ.get("TMPDIR") or "/tmp"
        if len(base) > 60:  # a Unix socket's path has 107 bytes
            base = "/tmp"
        self.dir = tempfile.mkdtemp(prefix="bakery-test-", dir=base)

    def daemon(self, yaml="", start=True, **options):
        """A daemon that serves (start=False: one that is still to be started)."""
        number = len(self.daemons)
        directory = os.path.join(self.dir, f"d{number}")
        os.mkdir(directory, mode=0o700)
        daemon = Daemon(directory, yaml, **options)
        self.daemons.append(daemon)
        return daemon.start() if start else daemon

    def path(self, name, content=None, mode=0o644):
        """A path in the case's directory, with content: a file made there."""
        path = os.path.join(self.dir, name)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content.encode() if isinstance(content, str) else content)
            os.chmod(path, mode)
        return path

    def tear_down(self):
        wrong = [w for w in (d.clean_up() for d in self.daemons) if w]
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not os.path.exists(self.dir), f"{self.dir} could not be removed"
        assert not wrong, "; ".join(wrong)


def _diagnose(case, text):
    for line in text.rstrip().splitlines():
        print("#", line)
    for daemon in getattr(case, "daemons", []):
        print(f"# ---- log of the daemon in {daemon.dir} (the last 200 lines)")
        for line in daemon.log_lines[-200:]:
            print("#  ", line)


def _run(cls, name):
    """None, or why it was skipped. Raises when it failed."""
    case = cls()
    failure = None
    try:
        case.set_up()
        getattr(case, name)()
    except Skip as e:
        return str(e)
    except BaseException:  # a failed case must still end its daemons
        failure = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 4 * PATIENCE)
        try:
            case.tear_down()
        except BaseException:
            failure = (failure or "") + traceback.format_exc()
    if failure:
        _diagnose(case, failure)
        raise AssertionError(name)
    return None


def main():
    """Runs all cases of the calling module (or those named on the command line) and exits."""
    module = sys.modules["__main__"]
    cases = []
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, Case) and cls is not Case:
            for name in cls.__dict__:
                if name.startswith("test_"):
                    line = cls.__dict__[name].__code__.co_firstlineno
                    cases.append((line, cls, name))
    cases.sort(key=lambda c: c[0])
    wanted = sys.argv[1:]
    if wanted:
        cases = [c for c in cases if c[2] in wanted or c[2].removeprefix("test_") in wanted]

    def hang(*_):
        raise Hang(f"still not done after {4 * PATIENCE:.0f} s")

    signal.signal(signal.SIGALRM, hang)
    sys.stdout.reconfigure(line_buffering=True, errors="replace")
    print(f"1..{len(cases)}")
    failed = 0
    for number, (_, cls, name) in enumerate(cases, 1):
        title = name.removeprefix("test_").replace("_", " ")
        signal.setitimer(signal.ITIMER_REAL, 4 * PATIENCE)
        try:
            skipped = _run(cls, name)
        except AssertionError:
            failed += 1
            print(f"not ok {number} - {title}")
        else:
            print(f"ok {number} - {title}" + (f" # SKIP {skipped}" if skipped else ""))
        signal.setitimer(signal.ITIMER_REAL, 0)
    sys.exit(1 if failed or not cases else 0)

"""
A real bakeryd for a test: started from the build directory in a private directory, waited for by its readiness
message, ended by its own process ids, and checked on the way out: no process of it may be left behind, and no
sanitizer may have complained.
"""

import ctypes
import mmap
import os
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import bakery_resp

BUILD = os.path.abspath(os.environ.get("top_builddir") or "build")
SOURCE = os.path.abspath(os.environ.get("top_srcdir") or os.path.join(os.path.dirname(__file__), "..", ".."))
BAKERYD = os.environ.get("BAKERYD") or os.path.join(BUILD, "bakeryd")
BAKERY = os.environ.get("BAKERY") or os.path.join(BUILD, "bakery")

# How long anything may take before it is called a hang, in seconds. Never a measurement: nothing waits this long when
# it works.
PATIENCE = float(os.environ.get("BAKERY_TEST_PATIENCE") or 60)

COMPLAINT = re.compile(r"AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|Assertion .* failed")

# Orphans of a killed daemon become our children, so that none can escape the check.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

_known = set()  # pids of daemons and of commands that are ours on purpose


def processes():
    """All processes: {pid: (parent, state, comm)}."""
    out = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                    stat = f.read()
            except OSError:
                continue
            comm = stat[stat.index("(") + 1 : stat.rindex(")")]
            state, parent = stat[stat.rindex(")") + 2 :].split(" ", 2)[:2]
            out[int(name)] = (int(parent), state, comm)
    return out


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read()
    except OSError:
        return b""


def wait_gone(pid, patience=None):
    """Waits until a process, ours or not, has ended. True, or False when it still lives."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], PATIENCE if patience is None else patience)[0])
    finally:
        os.close(fd)


class Clock:
    """The daemon's clock in a test's hand (daemon/base/clock.h)."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(16))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 16)

    def advance(self, seconds):
        mono_ns, wall_ms = struct.unpack("=qq", self.map[:])
        self.map[:] = struct.pack("=qq", mono_ns + round(seconds * 1e9), wall_ms + round(seconds * 1e3))


class Daemon:
    """
    One daemon and its private directory. `yaml` is its configuration; what it does not say is put before it: a Unix socket, the
    state and work directories, and no grace at the end. Keyword arguments: env (added to its environment), args (of bakeryd),
    clock (True: `self.clock.advance(seconds)` moves its time), fail (BAKERY_FAIL).
    """

    def __init__(self, directory, yaml="", env=None, args=(), clock=False, fail=None):
        self.dir = directory
        self.socket = os.path.join(directory, "s")
        self.state_dir = os.path.join(directory, "state")
        self.work_dir = os.path.join(directory, "work")
        self.config = os.path.join(directory, "bakery.yaml")
        self.program = BAKERYD
        self.args = list(args)
        self.log_lines = []
        self.news = threading.Condition()
        self.process = None
        self.pump = None
        self.killed = False  # once: then what is left may end in its own time
        self.notified = []
        self.notify_socket = None
        for path in (self.state_dir, self.work_dir):
            os.makedirs(path, mode=0o700, exist_ok=True)
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": directory,
            "LANG": "C.UTF-8",
            "TMPDIR": directory,
            "XDG_RUNTIME_DIR": directory,
            "XDG_STATE_HOME": os.path.join(directory, "xdg-state"),
            "XDG_CONFIG_HOME": os.path.join(directory, "xdg-config"),
        }
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value
        self.clock = Clock(os.path.join(directory, "clock")) if clock else None
        if self.clock:
            self.env["BAKERY_CLOCK"] = self.clock.path
        if fail:
            self.env["BAKERY_FAIL"] = fail
        self.env.update(env or {})
        self.configure(yaml)

    # ---- its configuration

    def configure(self, yaml):
        """Writes the configuration (read at the next start). @DIR@ stands for the private directory."""
        given = set(re.findall(r"^(\w+):", yaml, re.M))
        head = {
            "listen": f"listen: [{{unix: {self.socket}}}]",
            "state_dir": f"state_dir: {self.state_dir}",
            "work_dir": f"work_dir: {self.work_dir}",
            "shutdown": "shutdown: {grace: 0s}",
        }
        text = "".join(line + "\n" for key, line in head.items() if key not in given) + yaml
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace("@DIR@", self.dir))

    # ---- its life

    def start(self, ready=True):
        """Starts bakeryd; with ready, waits until it serves. Again after an end: the same state, a new daemon."""
        assert self.process is None, "it runs"
        self.notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(self.dir, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify_socket.bind(path)
        self.notified = []
        self.process = subprocess.Popen(
            [self.program, "-c", self.config] + self.args,
            env=dict(self.env, NOTIFY_SOCKET=path),
            cwd=self.dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _known.add(self.process.pid)
        self.pump = threading.Thread(target=self._pump, args=(self.process.stdout,), daemon=True)
        self.pump.start()
        if ready:
            self.wait_notified("READY=1")
        return self

    def _pump(self, pipe):
        with pipe:
            for line in pipe:
                with self.news:
                    self.log_lines.append(line.decode(errors="replace").rstrip("\n"))
                    self.news.notify_all()

    def wait_notified(self, message):
        """Waits for a line of its messages to the service manager (READY=1, STOPPING=1)."""
        deadline = time.monotonic() + PATIENCE
        end = os.pidfd_open(self.process.pid)
        try:
            while message not in self.notified:
                left = deadline - time.monotonic()
                ready = select.select([self.notify_socket, end], [], [], max(left, 0))[0]
                if self.notify_socket in ready:
                    self.notified += self.notify_socket.recv(4096).decode().splitlines()
                elif end in ready:
                    raise AssertionError(f"bakeryd ended with {self.process.wait()} before it said {message}")
                else:
                    raise TimeoutError(f"bakeryd did not say {message}")
        finally:
            os.close(end)

    @property
    def pid(self):
        return self.process.pid

    def send_signal(self, number):
        """To the supervisor."""
        self.process.send_signal(number)

    def wait(self):
        """Waits for the supervisor's end. Its exit status as subprocess tells it."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise TimeoutError("bakeryd did not end") from None
        self._ended()
        return status

    def stop(self, status=0):
        """SIGTERM, and the end with this exit status. Nothing may be left behind."""
        self.send_signal(signal.SIGTERM)
        got = self.wait()
        assert got == status, f"bakeryd ended with {got}, expected {status}"
        left = self.left_behind()
        assert self.killed or not left, f"left behind by bakeryd: {left}"

    def pids(self, role):
        """"supervisor", "front", "worker" (all of them, the oldest first)."""
        if role == "supervisor":
            return [self.pid]
        own = command_line(self.pid)
        out = []
        for pid, (parent, state, comm) in processes().items():
            if parent == self.pid and state not in "ZX":
                execed = command_line(pid) != own
                name = "front" if "front" in comm else "worker" if "worker" in comm else "front" if execed else "worker"
                if name == role:
                    out.append(pid)
        return sorted(out)

    def kill(self, role, number=signal.SIGKILL):
        """Kills one process of this role (the oldest), waits until it is gone (SIGKILL only), and returns its pid."""
        pid = self.wait_until(lambda: self.pids(role), f"a {role}")[0]
        if role == "supervisor" and number == signal.SIGKILL:
            self.killed = True
            os.kill(pid, number)
            self.wait()
            return pid
        os.kill(pid, number)
        if number == signal.SIGKILL:
            assert wait_gone(pid), f"{role} {pid} survived SIGKILL"
        return pid

    def kill_all(self):
        """kill -9 of supervisor, front and workers at once; then what they started must end by itself."""
        self.killed = True
        family = self.family()
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        for pid in family:
            os.kill(pid, signal.SIGKILL)
        self.wait()

    def family(self):
        """The supervisor and its children."""
        return [self.pid] + [pid for pid, (parent, _, _) in processes().items() if parent == self.pid]

    def left_behind(self):
        """Processes that this daemon left to us: {pid: command line}. Ended ones are reaped on the way."""
        out = {}
        for pid, (parent, state, comm) in processes().items():
            if parent != os.getpid() or pid in _known:
                continue
            if state == "Z":
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
            else:
                out[pid] = command_line(pid).replace(b"\0", b" ").decode(errors="replace").strip() or comm
        return out

    def _ended(self):
        _known.discard(self.process.pid)
        self.process = None
        if not self.killed:
            self.pump.join(5)  # all of its log has been read: it ends with the last process that writes it
        self.notify_socket.close()

    def clean_up(self):
        """At the end of a case, whatever happened. What was wrong, or None."""
        wrong = []
        if self.process:
            try:
                self.stop()
            except (AssertionError, TimeoutError) as e:
                wrong.append(str(e))
        if self.process:
            for pid in self.family():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.wait()
        # A killed supervisor takes the rest with it; an ended one has nothing left. So only the former is waited for.
        for pid, line in self.left_behind().items():
            if self.killed and wait_gone(pid):
                continue
            wrong.append(f"left behind: {pid} {line}")
            try:
                os.kill(pid, signal.SIGKILL)
                wait_gone(pid)
            except ProcessLookupError:
                pass
        self.left_behind()
        wrong += [f"complaint in the log: {line}" for line in self.log_lines if COMPLAINT.search(line)]
        return "; ".join(wrong) or None

    # ---- waiting

    def log(self, pattern):
        """The lines of the log so far that match."""
        with self.news:
            return [line for line in self.log_lines if re.search(pattern, line)]

    def wait_log(self, pattern, count=1):
        """Waits until so many lines match; returns them."""
        deadline = time.monotonic() + PATIENCE
        with self.news:
            while True:
                found = [line for line in self.log_lines if re.search(pattern, line)]
                if len(found) >= count:
                    return found
                if not self.news.wait(max(0, deadline - time.monotonic())):
                    raise TimeoutError(f"no line of the log matches {pattern!r}")

    @staticmethod
    def wait_until(condition, what):
        """Asks again and again until condition() is true, and returns what it said: for what sends no news."""
        deadline = time.monotonic() + PATIENCE
        pause = 0.001
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {what}")
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    # ---- its clients

    def connect(self, resp=2, address=None):
        """A connection; with resp=3 it has said HELLO 3."""
        connection = bakery_resp.Connection(address or self.socket, PATIENCE)
        if resp == 3:
            connection.ok("HELLO", "3")
        return connection

    def client_env(self):
        return dict(self.env, BAKERY_SERVER=f"unix:{self.socket}")

    def run(self, argv, input=b"", status=0, env=None, cwd=None):
        """A command that ends: (stdout, stderr) as text. status: the exit status that it must have, None for any, a list of those allowed."""
        done = self.try_run(argv, input, env, cwd)
        allowed = status if isinstance(status, (list, tuple)) else [status]
        if status is not None and done.returncode not in allowed:
            raise AssertionError(
                f"{' '.join(map(str, argv))}: exit status {done.returncode}, expected {status}\n"
                f"stdout: {done.stdout[-2000:]!r}\nstderr: {done.stderr[-2000:]!r}"
            )
        return done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def try_run(self, argv, input=b"", env=None, cwd=None):
        if isinstance(input, str):
            input = input.encode()
        return subprocess.run(
            [str(a) for a in argv],
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.client_env(), **(env or {})),
            cwd=cwd or self.dir,
            timeout=PATIENCE,
            check=False,
        )

    def bakery(self, *args, **options):
        """The command line. Its standard output."""
        return self.run([BAKERY, *args], **options)[0]

    def bakery_error(self, status, *args, **options):
        """The command line where it must fail: its standard error."""
        return self.run([BAKERY, *args], status=status, **options)[1]

    def redis_cli(self, *args, **options):
        """redis-cli's standard output without the last newline."""
        return self.run(["redis-cli", "-s", self.socket, *args], **options)[0].rstrip("\n")

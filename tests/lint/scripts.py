"""Shell scripts by shellcheck, manual pages by mandoc, units by systemd-analyze, Python by its own compiler."""

import ast
import os
import re
import shutil
import tempfile

from lint import BUILD, SOURCE, case, end, files, read, run

scripts = ["check", "quickstart", ".ci/run"] + files(".sh")
scripts = [s for s in scripts if os.path.exists(os.path.join(SOURCE, s))]
if shutil.which("shellcheck"):
    for script in scripts:
        status, said = run(["shellcheck", "-x", "-f", "gcc", script])
        case(f"shellcheck {script}", said.splitlines() if status else [])
else:
    case("shellcheck", [], skip="shellcheck is not installed (Debian: shellcheck)")

pages = [p for p in files(".1", ".5", ".8") if re.search(r"^\.Dd|^\.TH", read(p), re.M)]
if shutil.which("mandoc"):
    for page in pages:
        status, said = run(["mandoc", "-T", "lint", "-W", "warning", page])
        case(f"mandoc {page}", said.splitlines() if status else [])
else:
    case("manual pages", [], skip="mandoc is not installed (Debian: mandoc)")

broken = []
for path in files(".py"):
    try:
        ast.parse(read(path), path)
    except SyntaxError as e:
        broken.append(str(e))
case("Python files are Python", broken)

if shutil.which("systemd-analyze"):
    # The programs need not be installed for the units to be judged: they are looked for where the build has them.
    for kind in ("system", "user"):
        with tempfile.TemporaryDirectory() as tmp:
            units = []
            for place in (os.path.join(SOURCE, "systemd", kind), os.path.join(BUILD, "systemd", kind)):
                for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
                    if name.endswith((".service", ".socket")):
                        with open(os.path.join(place, name), encoding="utf-8") as f:
                            text = re.sub(r"^(Exec\w+=)\S*/bakeryd", rf"\1{BUILD}/bakeryd", f.read(), flags=re.M)
                        text = re.sub(r"^User=bakery$", "User=root", text, flags=re.M)
                        name = name.replace("@.", "@instance.")
                        with open(os.path.join(tmp, name), "w", encoding="utf-8") as f:
                            f.write(text)
                        units.append(os.path.join(tmp, name))
            mode = ["--user"] if kind == "user" else []
            status, said = run(["systemd-analyze", *mode, "--man=no", "verify", *units], env=dict(os.environ, XDG_RUNTIME_DIR=tmp))
            said = [line for line in said.splitlines() if "bakery" in line]
            case(f"systemd-analyze verify, {kind} units", said if status or said else [])
else:
    case("systemd units", [], skip="systemd-analyze is not installed (Debian: systemd)")
end()

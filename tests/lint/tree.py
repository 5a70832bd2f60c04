"""The tree: what is in the repository is in the distribution too, and every test program is run."""

import os
import re
import shutil

from lint import BUILD, SOURCE, case, end, files, run

if os.path.exists(os.path.join(SOURCE, ".git")) and shutil.which("git"):
    status, tracked = run(["git", "ls-files"])
    _, listed = run(["make", "-s", "-C", BUILD, "print-distributed"], env={**os.environ, "MAKEFLAGS": ""})
    distributed = {os.path.relpath(path, SOURCE) if os.path.isabs(path) else path for path in listed.split()}
    missing = [f"{path} is not in EXTRA_DIST or in anybody's SOURCES" for path in tracked.split() if path not in distributed]
    case("all that is in the repository is distributed", missing if status == 0 else [tracked])
else:
    case("all that is in the repository is distributed", [], skip="not a repository, or no git")

_, listed = run(["make", "-s", "-C", BUILD, "print-tests"], env={**os.environ, "MAKEFLAGS": ""})
programs = [p for p in files(".py", ".sh", under=("tests/func", "tests/fault")) if re.match(r"(test_|chaos)", os.path.basename(p))]
case("every test program is listed", [f"{p} is in nobody's list" for p in programs if p not in listed.split()])
end()

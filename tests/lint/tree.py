"""The tree: what is in the repository is in the distribution too."""

import os

from lint import BUILD, SOURCE, case, end, run

if os.path.exists(os.path.join(SOURCE, ".git")):
    status, tracked = run(["git", "ls-files"])
    _, listed = run(["make", "-s", "-C", BUILD, "print-distributed"], env={**os.environ, "MAKEFLAGS": ""})
    distributed = {os.path.relpath(path, SOURCE) if os.path.isabs(path) else path for path in listed.split()}
    missing = [f"{path} is not in EXTRA_DIST or in anybody's SOURCES" for path in tracked.split() if path not in distributed]
    case("all that is in the repository is distributed", missing if status == 0 else [tracked])
else:
    case("all that is in the repository is distributed", [], skip="not a repository")
end()

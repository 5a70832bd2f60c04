"""
The rooms: who may include whom, and which library belongs to which room. The table of the rooms is the one in daemon/README.md.
"""

import os
import re

from lint import SOURCE, case, end, files, read

# Libraries that one room wraps for all others: header → the folders and files that may include it.
LIBRARIES = {
    r"event2/.*": ["daemon/loop/"],
    r"yaml\.h": ["conf/"],
    r"openssl/.*": ["daemon/net/"],
    r"sqlite3\.h": ["daemon/store/"],
    r"curl/.*": ["daemon/step/"],
}

# The table's lines: " 5  daemon/sched  …", several rooms on a line.
level = {}
for line in read("daemon/README.md").splitlines():
    row = re.match(r"^ ?(\d)  (.*)", line)
    if row:
        for room in re.findall(r"(?:^|\s)((?:daemon/\w+)|proto/|conf/)(?=\s)", row[2]):
            level[room.rstrip("/")] = int(row[1])

case("daemon/README.md has the table of the rooms", [] if len(level) >= 12 else [f"found only {sorted(level)}"])


def room_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "daemon" else parts[0]


def allowed(room, other):
    if room == other:
        return True
    if room == "client":
        return other in ("proto", "conf")
    if room in ("proto", "conf"):
        return False
    if room in level and other in level:
        return level[other] < level[room] or other in ("proto", "conf")
    return False


walls, libraries, places, unknown = [], [], [], []
for path in files(".c", ".h", ".def", ".S", under=("daemon", "client", "proto", "conf")):
    room = room_of(path)
    if room != "client" and room not in level:
        unknown.append(f"{path}: {room} is not in the table of daemon/README.md")
    for number, line in enumerate(read(path).splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not include:
            continue
        bracket, header = include.groups()
        where = f"{path}:{number}"
        if bracket == '"':
            if not os.path.exists(os.path.join(SOURCE, header)):
                places.append(f'{where}: "{header}" is not a path from the source root')
            elif not allowed(room, room_of(header)):
                walls.append(f"{where}: {room} may not include {header}")
        for pattern, homes in LIBRARIES.items():
            if re.fullmatch(pattern, header) and not any(path.startswith(home) for home in homes):
                libraries.append(f"{where}: <{header}> belongs to {', '.join(homes)}")

case("every folder of the daemon is a room of the table", unknown)
case("rooms include themselves and lower rooms only", walls)
case("a library is included only by the room that wraps it", libraries)
case("project headers are included from the source root", places)
end()

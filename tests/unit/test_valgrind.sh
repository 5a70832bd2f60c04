#!/usr/bin/env bash
# What tasks do to memory, seen by Valgrind, which knows of their stacks. make check-long runs the rest of them so (matrix.sh).
here=$(cd "$(dirname "$0")" && pwd)
exec bash "$here/matrix.sh" valgrind unit-task unit-future unit-wait

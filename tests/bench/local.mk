# Benchmarks measure and print; they never pass or fail on a time. `make bench` builds and runs all. A room lists its own in a
# fragment:
#
#     BENCHES += bench-task
#     bench_task_SOURCES = tests/bench/bench_task.c
#     bench_task_LDADD = libtask.a libbase.a
#
# Each prints beside its figure what the machine itself can do in the same run.
BENCHES = bench-service
bench_service_SOURCES = tests/bench/bench_service.c tests/bench/client.h tests/bench/client.c tests/bench/daemon.h tests/bench/daemon.c \
	tests/bench/machine.h tests/bench/machine.c
bench_service_LDADD = libproto.a

BENCHES += bench-steps
bench_steps_SOURCES = tests/bench/bench_steps.c tests/bench/client.h tests/bench/client.c tests/bench/daemon.h tests/bench/daemon.c \
	tests/bench/machine.h tests/bench/machine.c
bench_steps_LDADD = libproto.a

include tests/bench/task.mk
include tests/bench/store.mk
include tests/bench/worker.mk

EXTRA_PROGRAMS += $(BENCHES)
CLEANFILES += $(BENCHES)
bench: all $(BENCHES)
	@set -e; for b in $(BENCHES); do echo; echo "== $$b"; top_builddir='$(abs_top_builddir)' top_srcdir='$(abs_top_srcdir)' ./$$b; done
.PHONY: bench

# Benchmarks of task.
BENCHES += bench-task
bench_task_SOURCES = tests/bench/bench_task.c
bench_task_LDADD = libtask.a libloop.a libbase.a $(EVENT_LIBS)
bench_task_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=madvise

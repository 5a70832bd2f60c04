# Unit tests of task: each a program unit-NAME from test_NAME.c.
TASK_WORLD = tests/unit/task_world.h tests/unit/task_world.c
TASK_LIBS = libtask.a libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS)

TASK_TESTS = unit-task unit-future unit-wait unit-scope unit-stack unit-executor
unit_task_SOURCES = tests/unit/test_task.c $(TASK_WORLD)
unit_task_LDADD = $(TASK_LIBS) -lm
unit_future_SOURCES = tests/unit/test_future.c $(TASK_WORLD)
unit_future_LDADD = $(TASK_LIBS)
unit_wait_SOURCES = tests/unit/test_wait.c $(TASK_WORLD)
unit_wait_LDADD = $(TASK_LIBS)
unit_scope_SOURCES = tests/unit/test_scope.c tests/unit/refuse.h $(TASK_WORLD)
unit_scope_LDADD = $(TASK_LIBS)
unit_scope_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY) -Wl,--wrap=mmap
unit_stack_SOURCES = tests/unit/test_stack.c $(TASK_WORLD)
unit_stack_LDADD = $(TASK_LIBS)
unit_stack_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=madvise
unit_executor_SOURCES = tests/unit/test_executor.c tests/unit/refuse.h $(TASK_WORLD)
unit_executor_LDADD = $(TASK_LIBS)
unit_executor_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY) -Wl,--wrap=pthread_create

TASK_TESTS += unit-gather unit-chan unit-semaphore
unit_gather_SOURCES = tests/unit/test_gather.c $(TASK_WORLD)
unit_gather_LDADD = $(TASK_LIBS)
unit_chan_SOURCES = tests/unit/test_chan.c $(TASK_WORLD)
unit_chan_LDADD = $(TASK_LIBS)
unit_semaphore_SOURCES = tests/unit/test_semaphore.c $(TASK_WORLD)
unit_semaphore_LDADD = $(TASK_LIBS)
TASK_TESTS += unit-cancel
unit_cancel_SOURCES = tests/unit/test_cancel.c $(TASK_WORLD)
unit_cancel_LDADD = $(TASK_LIBS)

UNIT_TESTS += $(TASK_TESTS)

# The same programs with the other way of switching, whatever this build's is: the tests see nothing of it, so only the library is compiled again.
EXTRA_LIBRARIES += libtaskuc.a
CLEANFILES += libtaskuc.a
libtaskuc_a_SOURCES = $(libtask_a_SOURCES)
libtaskuc_a_CPPFLAGS = $(AM_CPPFLAGS) -DTASK_SWITCH_UCONTEXT=1
UCONTEXT_LIBS = libtaskuc.a libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS)

UNIT_TESTS += unit-task-ucontext unit-future-ucontext unit-wait-ucontext unit-scope-ucontext \
	unit-stack-ucontext unit-executor-ucontext unit-gather-ucontext unit-chan-ucontext unit-semaphore-ucontext \
	unit-cancel-ucontext
unit_task_ucontext_SOURCES = $(unit_task_SOURCES)
unit_task_ucontext_LDADD = $(UCONTEXT_LIBS) -lm
unit_future_ucontext_SOURCES = $(unit_future_SOURCES)
unit_future_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_wait_ucontext_SOURCES = $(unit_wait_SOURCES)
unit_wait_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_scope_ucontext_SOURCES = $(unit_scope_SOURCES)
unit_scope_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_scope_ucontext_LDFLAGS = $(unit_scope_LDFLAGS)
unit_stack_ucontext_SOURCES = $(unit_stack_SOURCES)
unit_stack_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_stack_ucontext_LDFLAGS = $(unit_stack_LDFLAGS)
unit_executor_ucontext_SOURCES = $(unit_executor_SOURCES)
unit_executor_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_executor_ucontext_LDFLAGS = $(unit_executor_LDFLAGS)
unit_gather_ucontext_SOURCES = $(unit_gather_SOURCES)
unit_gather_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_chan_ucontext_SOURCES = $(unit_chan_SOURCES)
unit_chan_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_semaphore_ucontext_SOURCES = $(unit_semaphore_SOURCES)
unit_semaphore_ucontext_LDADD = $(UCONTEXT_LIBS)
unit_cancel_ucontext_SOURCES = $(unit_cancel_SOURCES)
unit_cancel_ucontext_LDADD = $(UCONTEXT_LIBS)

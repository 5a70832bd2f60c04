# Unit tests of task: each a program unit-NAME from test_NAME.c.
TASK_WORLD = tests/unit/task_world.h tests/unit/task_world.c
TASK_LIBS = libtask.a libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS)

UNIT_TESTS += unit-task
unit_task_SOURCES = tests/unit/test_task.c $(TASK_WORLD)
unit_task_LDADD = $(TASK_LIBS) -lm

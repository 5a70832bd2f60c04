# Unit tests of sched: each a program unit-NAME from test_NAME.c.

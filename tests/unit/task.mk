# Unit tests of task: each a program unit-NAME from test_NAME.c.

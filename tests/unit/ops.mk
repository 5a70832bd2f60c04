# Unit tests of ops: each a program unit-NAME from test_NAME.c.

# Unit tests of conf: each a program unit-NAME from test_NAME.c.

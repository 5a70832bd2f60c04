# Unit tests of worker: each a program unit-NAME from test_NAME.c.

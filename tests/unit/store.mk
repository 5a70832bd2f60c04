# Unit tests of store: each a program unit-NAME from test_NAME.c.

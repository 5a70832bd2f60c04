# Unit tests of client: each a program unit-NAME from test_NAME.c.

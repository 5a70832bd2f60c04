# Unit tests of order: each a program unit-NAME from test_NAME.c.

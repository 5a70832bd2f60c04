# Unit tests of base: each a program unit-NAME from test_NAME.c.

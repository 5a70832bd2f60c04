# Unit tests of net: each a program unit-NAME from test_NAME.c.

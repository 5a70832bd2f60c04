# Unit tests of loop: each a program unit-NAME from test_NAME.c.

# Unit tests of session: each a program unit-NAME from test_NAME.c.

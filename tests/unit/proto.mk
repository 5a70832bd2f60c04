# Unit tests of proto: each a program unit-NAME from test_NAME.c.

# Functional tests: the real daemon, the real client, other people's clients. bakery_test.py tells how to write one; each is a
# program test_NAME.py, listed here.
FUNC_TESTS =

FUNC_FRAME = tests/func/bakery_test.py tests/func/bakery_daemon.py tests/func/bakery_resp.py

EXTRA_DIST += tests/func/with-systemd.sh

EXTRA_DIST += $(FUNC_FRAME) $(FUNC_TESTS)
TESTS += $(FUNC_TESTS)

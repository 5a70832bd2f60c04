# Functional tests: the real daemon, the real client, other people's clients, the real systemd. bakery_test.py tells how to write one;
# each is a program test_NAME.py (or .sh), listed here.
FUNC_TESTS =
FUNC_TESTS += tests/func/test_walk.py
FUNC_TESTS += tests/func/test_cakes.py
FUNC_TESTS += tests/func/test_steps.py tests/func/test_http.py
FUNC_TESTS += tests/func/test_start.py tests/func/test_options.py
FUNC_TESTS += tests/func/test_processes.py
FUNC_TESTS += tests/func/test_protocol.py
FUNC_TESTS += tests/func/test_session.py
FUNC_TESTS += tests/func/test_notify.py
FUNC_TESTS += tests/func/test_looks.py
FUNC_TESTS += tests/func/test_clients.py
FUNC_TESTS += tests/func/test_cli.py
FUNC_TESTS += tests/func/test_limits.py
FUNC_TESTS += tests/func/test_stacks.py
FUNC_TESTS += tests/func/test_readme.py
FUNC_TESTS += tests/func/test_systemd.sh

FUNC_FRAME = tests/func/bakery_test.py tests/func/bakery_daemon.py tests/func/bakery_resp.py tests/func/bakery_http.py \
	tests/func/with-systemd.sh tests/func/systemd-inside.sh

EXTRA_DIST += $(FUNC_FRAME) $(FUNC_TESTS)
TESTS += $(FUNC_TESTS)

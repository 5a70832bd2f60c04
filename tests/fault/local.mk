# Fault tests: what the daemon promises while something goes wrong. Programs test_NAME.py on the frame of tests/func.
# FAULT_TESTS run in `make check`, FAULT_LONG_TESTS in `make check-long`.
FAULT_TESTS = tests/fault/test_lost.py tests/fault/test_crash.py tests/fault/test_crash_steps.py tests/fault/test_chaos.py
FAULT_LONG_TESTS = tests/fault/chaos.py

EXTRA_DIST += tests/fault/evidence.py tests/fault/lives.py $(FAULT_TESTS) $(FAULT_LONG_TESTS)
TESTS += $(FAULT_TESTS)

# Lint: what a compiler does not see. Programs NAME.sh and NAME.py that speak TAP.
LINT_TESTS =

EXTRA_DIST += $(LINT_TESTS)
TESTS += $(LINT_TESTS)

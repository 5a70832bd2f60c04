# Every test speaks TAP, so that `make check` counts cases and not programs.
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_COMPILER = bash
PY_LOG_COMPILER = /usr/bin/python3
AM_PY_LOG_FLAGS = -B

# What each test finds in its environment: both trees, as absolute paths, and what a sanitizer is to do.
AM_TESTS_ENVIRONMENT = \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	runtime_tests='$(LOOP_TESTS) $(TASK_TESTS)'; export runtime_tests; \
	$(SANITIZER_ENVIRONMENT)

if ASAN
SANITIZER_ENVIRONMENT = \
	ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:check_initialization_order=1:$$ASAN_OPTIONS"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:$$UBSAN_OPTIONS"; export UBSAN_OPTIONS;
endif
if TSAN
SANITIZER_ENVIRONMENT = \
	TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:$$TSAN_OPTIONS"; export TSAN_OPTIONS;
endif

include tests/unit/local.mk
include tests/func/local.mk
include tests/fault/local.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
include tests/bench/local.mk

# `make check` is what takes minutes; this is the rest: chaos, soaks, fuzzing. Each speaks TAP too.
LONG_TESTS =
LONG_TESTS += $(UNIT_LONG_TESTS) $(FAULT_LONG_TESTS) $(FUZZ_LONG_TESTS)
check-long: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(LONG_TESTS)'
.PHONY: check-long

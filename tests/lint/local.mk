# Lint: what a compiler does not see. Programs that speak TAP, one line for each question.
LINT_TESTS = tests/lint/rooms.py tests/lint/code.py tests/lint/documents.py tests/lint/scripts.py tests/lint/tree.py

EXTRA_DIST += $(LINT_TESTS) tests/lint/lint.py
TESTS += $(LINT_TESTS)

print-distributed:
	@printf '%s\n' check $(DISTFILES) | $(SED) 's|^$(top_srcdir)/||;s|^$(srcdir)/||'
print-tests:
	@echo $(TESTS) $(LONG_TESTS)
.PHONY: print-distributed print-tests

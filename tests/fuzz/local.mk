# Fuzz targets: each a file fuzz_NAME.c with LLVMFuzzerTestOneInput(), and a corpus in corpus/NAME/. A room lists its own in a
# fragment:
#
#     FUZZ_TESTS += fuzz-request
#     fuzz_request_SOURCES = tests/fuzz/fuzz_request.c
#     fuzz_request_LDADD = libproto.a $(FUZZ_LIBS)
#
# `make check` replays the corpus and some thousand small changes of it (replay.c). With clang, long.sh (in `make check-long`)
# gives each target minutes of libFuzzer, in a build of its own: configure CC=clang --enable-libfuzzer.
FUZZ_TESTS =
FUZZ_LONG_TESTS = tests/fuzz/long.sh
if LIBFUZZER
FUZZ_LIBS = $(LIBFUZZER_LIBS)
else
FUZZ_LIBS = libfuzz.a
endif

EXTRA_LIBRARIES += libfuzz.a
CLEANFILES += libfuzz.a
libfuzz_a_SOURCES = tests/fuzz/replay.c

include tests/fuzz/proto.mk
include tests/fuzz/conf.mk
include tests/fuzz/worker.mk

EXTRA_PROGRAMS += $(FUZZ_TESTS)
EXTRA_DIST += $(FUZZ_LONG_TESTS)
if !LIBFUZZER
check_PROGRAMS += $(FUZZ_TESTS)
TESTS += $(FUZZ_TESTS)
endif

fuzz-targets: $(FUZZ_TESTS)
print-fuzz-targets:
	@echo $(FUZZ_TESTS)
.PHONY: fuzz-targets print-fuzz-targets
clean-local: clean-fuzz
clean-fuzz:
	rm -rf fuzz
.PHONY: clean-fuzz

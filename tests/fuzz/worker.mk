# Fuzz targets of worker.
FUZZ_TESTS += fuzz-message
fuzz_message_SOURCES = tests/fuzz/fuzz_message.c
fuzz_message_LDADD = libworker.a libbase.a libproto.a $(FUZZ_LIBS)

FUZZ_WORKER_CORPUS = tests/fuzz/corpus/message/claim tests/fuzz/corpus/message/job tests/fuzz/corpus/message/job-ended \
	tests/fuzz/corpus/message/supervisor tests/fuzz/corpus/message/hostile-length tests/fuzz/corpus/message/hostile-field
EXTRA_DIST += $(FUZZ_WORKER_CORPUS)

# Fuzz targets of proto.
FUZZ_TESTS += fuzz-request fuzz-value
fuzz_request_SOURCES = tests/fuzz/fuzz_request.c
fuzz_request_LDADD = libproto.a $(FUZZ_LIBS)
fuzz_value_SOURCES = tests/fuzz/fuzz_value.c
fuzz_value_LDADD = libproto.a $(FUZZ_LIBS)

FUZZ_PROTO_CORPUS = \
	tests/fuzz/corpus/request/absurd tests/fuzz/corpus/request/binary tests/fuzz/corpus/request/empty-arguments \
	tests/fuzz/corpus/request/http tests/fuzz/corpus/request/inline tests/fuzz/corpus/request/lengths \
	tests/fuzz/corpus/request/negative tests/fuzz/corpus/request/order tests/fuzz/corpus/request/pipeline \
	tests/fuzz/corpus/request/quotes tests/fuzz/corpus/request/tls tests/fuzz/corpus/request/toobig-argument \
	tests/fuzz/corpus/request/toobig-count tests/fuzz/corpus/request/toobig-whole \
	tests/fuzz/corpus/value/http tests/fuzz/corpus/value/kinds tests/fuzz/corpus/value/list \
	tests/fuzz/corpus/value/message tests/fuzz/corpus/value/nested tests/fuzz/corpus/value/promises \
	tests/fuzz/corpus/value/push-inside tests/fuzz/corpus/value/status
EXTRA_DIST += $(FUZZ_PROTO_CORPUS)

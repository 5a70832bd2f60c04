#!/usr/bin/env bash
# Minutes of libFuzzer for each fuzz target, in a build of its own, starting from the kept corpus. FUZZ_SECONDS for each target
# (60). What it finds stays below build/fuzz/NAME/crashes, to be added to the corpus with the correction.
set -u
: "${top_srcdir:?}" "${top_builddir:?}"
seconds=${FUZZ_SECONDS:-60}
if ! command -v clang >/dev/null; then
	echo "1..0 # SKIP clang is not installed (Debian: clang)"
	exit 0
fi
dir=$top_builddir/fuzz
mkdir -p "$dir" && cd "$dir" || exit 1
if ! { [ -e Makefile ] || "$top_srcdir/configure" -q CC=clang --enable-libfuzzer; } >build.log 2>&1 ||
	! make -s fuzz-targets >>build.log 2>&1; then
	sed 's/^/# /' build.log
	echo "Bail out! the build with libFuzzer failed"
	exit 1
fi
read -ra targets <<<"$(make -s print-fuzz-targets)"
echo "1..${#targets[@]}"
n=0
for target in "${targets[@]}"; do
	n=$((n + 1))
	name=${target#fuzz-}
	mkdir -p "$name/found" "$name/crashes"
	if "./$target" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -artifact_prefix="$name/crashes/" \
		"$name/found" "$top_srcdir/tests/fuzz/corpus/$name" >"$name/log" 2>&1; then
		echo "ok $n - $name: $(grep -o '^Done .*' "$name/log")"
	else
		tail -n 40 "$name/log" | sed 's/^/# /'
		echo "not ok $n - $name"
	fi
done

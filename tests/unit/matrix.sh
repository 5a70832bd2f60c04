#!/usr/bin/env bash
# The unit tests of loop and tasks in every way in which they can be built and looked at: each way of switching, with each sanitizer, and under Valgrind.
# TAP: one line for each way and program. The builds are private, below the build tree, and removed at the end.
#
# Usage: matrix.sh                   all ways, all programs ($runtime_tests)
#        matrix.sh WAY PROGRAM...    some programs in one way
set -u

top_builddir=$(cd "${top_builddir:-build}" && pwd) || exit 1
top_srcdir=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd) || exit 1

# What configure is told ("-": this build), and what runs the program.
declare -A options=(
	[asan]="--enable-asan" [tsan]="--enable-tsan" [debug]="--enable-debug" [valgrind]="-"
	[ucontext]="--enable-ucontext" [ucontext-asan]="--enable-ucontext --enable-asan"
	[ucontext-tsan]="--enable-ucontext --enable-tsan" [ucontext-valgrind]="--enable-ucontext"
)
memcheck=(valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite)

if [ $# -gt 0 ]; then
	ways=$1
	shift
	programs=$*
else
	ways="asan tsan debug valgrind ucontext ucontext-asan ucontext-tsan ucontext-valgrind"
	programs=${runtime_tests:?is set by make check-long}
fi

private=$(mktemp -d "$top_builddir/matrix.XXXXXX") || exit 1
trap 'rm -rf "$private"' EXIT
trap 'exit 1' INT TERM
# A build of its own: nothing of the make that runs this.
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS

# Where a way's programs are: prints the directory. Each build is made once.
build() {
	local given=$1 dir=$private/${1// /}
	[ "$given" = - ] && { echo "$top_builddir"; return; }
	if ! [ -d "$dir" ]; then
		mkdir "$dir" && cd "$dir" || return
		# shellcheck disable=SC2086 # options and programs are words
		{ "$top_srcdir/configure" $given && make -j"$(nproc)" $programs; } >"$dir/log" 2>&1
	fi
	echo "$dir"
}

# Valgrind has not enough room for the case with a crowd of stacks, and runs all cases in one process, which takes a third of the time.
run() {
	local way=$1 program=$2
	case $way in
	*valgrind) CK_FORK=no CK_EXCLUDE_TAGS=crowd timeout 600 "${memcheck[@]}" "./$program" ;;
	*) timeout 600 "./$program" ;;
	esac
}

why_not() {
	case $1 in
	*valgrind)
		command -v valgrind >/dev/null || { echo "valgrind is not installed"; return; }
		[ "${options[$1]}" = - ] && grep -qE "^[^#]*(--enable-asan|--enable-tsan)" <("$top_builddir/config.status" --config) &&
			echo "this build has a sanitizer"
		;;
	esac
	[ "${options[$1]}" != - ] && [ -e "$top_srcdir/config.status" ] && echo "the source folder is built in itself"
}

export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:check_initialization_order=1:${ASAN_OPTIONS-}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS-}"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:${TSAN_OPTIONS-}"

number=0
wrong=0
# shellcheck disable=SC2086 # lists of words
set -- $programs
echo "1..$(($(wc -w <<<"$ways") * $#))"
for way in $ways; do
	why=$(why_not "$way")
	[ -n "$why" ] || dir=$(build "${options[$way]}")
	for program; do
		number=$((number + 1))
		if [ -n "$why" ]; then
			echo "ok $number - $way: $program # SKIP $why"
		elif cd "$dir" && [ -x "$program" ] && run "$way" "$program" >"$private/output" 2>&1; then
			echo "ok $number - $way: $program"
		else
			wrong=1
			echo "not ok $number - $way: $program"
			if [ -x "$program" ]; then grep -v "^ok" "$private/output"; else tail -n 20 "$dir/log"; fi | sed 's/^/# /'
		fi
	done
done
cd /
exit $wrong

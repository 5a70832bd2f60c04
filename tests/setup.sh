# Sourced by ./quickstart and ./check: Debian packages, and the build under build/. The caller has set top (the source tree).
# shellcheck shell=bash
: "${top:?}"

# shellcheck disable=SC2034 # for the callers
BUILD_PACKAGES=(gcc libc6-dev make autoconf automake pkg-config
	libevent-dev libyaml-dev libssl-dev libsqlite3-dev libjansson-dev libcurl4-openssl-dev libxxhash-dev uthash-dev)

# Installs those of the named Debian packages that are missing. Returns 1 when it cannot, having said what is needed. On a machine without
# dpkg it does nothing: configure tells what is missing.
install_packages() {
	command -v dpkg-query >/dev/null || return 0
	local package missing=() as_root=() said
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
			as_root=(sudo)
		else
			echo "These packages are missing, and this user cannot install them (neither root nor sudo):" >&2
			echo "  apt-get install ${missing[*]}" >&2
			return 1
		fi
	fi
	echo "Installing by ${as_root[*]:+sudo }apt-get: ${missing[*]}"
	local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120)
	said=$(mktemp)
	if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" >"$said" 2>&1 &&
		! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$said" 2>&1; then
		tail -n 20 "$said" >&2
		rm -f "$said"
		echo "apt-get could not install what is needed: apt-get install ${missing[*]}" >&2
		return 1
	fi
	rm -f "$said"
}

# Builds all in the directory $1, configured with the rest of the arguments if it is not configured yet. Returns 1 when it cannot,
# having shown why.
build_tree() {
	local build=$1 log
	shift
	mkdir -p "$build"
	log=$build/build.log
	if [ ! -e "$top/configure" ]; then
		(cd "$top" && autoreconf -fi) >"$log" 2>&1 || { show_build_failure "$log" autoreconf; return 1; }
	fi
	if [ ! -e "$build/Makefile" ]; then
		(cd "$build" && "$(realpath --relative-to "$build" "$top")/configure" "$@") >"$log" 2>&1 ||
			{ show_build_failure "$log" configure; return 1; }
	fi
	make -s -C "$build" -j"$(nproc)" all >"$log" 2>&1 || { show_build_failure "$log" make; return 1; }
}

show_build_failure() {
	tail -n 60 "$1" >&2
	echo "The build failed in $2; all that it said is in $1" >&2
}

#!/usr/bin/env bash
# The installed units under a real systemd (with-systemd.sh); the cases are in systemd-inside.sh.
set -u
: "${top_srcdir:?}" "${top_builddir:?}"
frame=$top_srcdir/tests/func

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree

install() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$top_builddir" "$1" DESTDIR="$tree" >"$tmp/log" 2>&1
}
if ! install install; then
	sed 's/^/# /' "$tmp/log"
	echo "Bail out! make install failed"
	exit 1
fi

# Wherever the prefix is, systemd is to find the units, and the script the programs.
etc=$tree/etc
mkdir -p "$etc/systemd/system" "$etc/systemd/user" "$etc/sysusers.d" "$etc/bakery"
find "$tree" -path '*/systemd/system/bakeryd*' ! -path "$etc/*" -exec cp {} "$etc/systemd/system/" \;
find "$tree" -path '*/systemd/user/bakeryd*' ! -path "$etc/*" -exec cp {} "$etc/systemd/user/" \;
find "$tree" -path '*/sysusers.d/bakery.conf' ! -path "$etc/*" -exec cp {} "$etc/sysusers.d/" \;
client=$(find "$tree" -name bakery -type f -perm -u+x)
daemon=$(find "$tree" -name bakeryd -type f -perm -u+x)
case ${daemon#"$tree"} in
/tmp/* | /run/*)
	# A prefix that the new system has a file system of its own over (make distcheck in /tmp): the programs move out of its way.
	mkdir -p "$tree/opt/bakery"
	sed -i "s|${daemon#"$tree"}|/opt/bakery/bakeryd|" "$etc"/systemd/*/*.service
	mv "$daemon" "$client" "$tree/opt/bakery/"
	client=$tree/opt/bakery/bakery
	;;
esac
echo "BAKERY=${client#"$tree"}" >"$etc/bakery-test"
cat >"$etc/bakery/bakery.yaml" <<'END'
shutdown: {grace: 20s}
recipes:
  say: {params: {text: {type: string, required: true}}, run: [echo, "{text}"], timeout: 10s}
  nap: {run: [sleep, "1"], timeout: 10s}
END
{
	echo 'listen: [{unix: /run/bakery-two/bakery.sock}]'
	cat "$etc/bakery/bakery.yaml"
} >"$etc/bakery/two.yaml"

"$frame/with-systemd.sh" "$tree" "$frame/systemd-inside.sh" 2>"$tmp/why"
status=$?
if [ $status = 77 ]; then
	echo "1..0 # SKIP $(tail -n 1 "$tmp/why")"
	exit 0
fi
sed 's/^/# /' "$tmp/why"
[ $status != 125 ] || echo "Bail out! systemd did not come up"
exit $status

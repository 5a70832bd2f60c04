#!/usr/bin/env bash
# shellcheck disable=SC2317 # functions are called through expect
# Runs beside a systemd that is PID 1 (test_systemd.sh): does to the units what an administrator does, and says in TAP how it went.
set -u
# shellcheck source=/dev/null
. /etc/bakery-test
n=0 failed=0

# TITLE COMMAND…
expect() {
	local title=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then
		echo "ok $n - $title"
	else
		failed=1
		{
			echo "$* said: $said"
			systemctl --no-pager status 'bakeryd*'
			journalctl -q --no-pager -n 60
		} | sed 's/^/# /'
		echo "not ok $n - $title"
	fi
}

# Asks until it is so, at most a minute.
eventually() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	"$@"
}

show() { systemctl "${@:3}" show -p "$1" --value "$2"; }
is() { [ "$(show "$1" "$2")" = "$3" ] || { echo "$1 of $2 is $(show "$1" "$2"), not $3"; return 1; }; }
says_hello() { [ "$("$BAKERY" "$@" order say text=hello --wait)" = hello ]; }
nobody_left() { ! pgrep -u bakery -l; }

expect "systemd-sysusers makes the user" systemd-sysusers
expect "the user is there" id bakery

expect "the service starts" systemctl start bakeryd
expect "it is active when it has said that it is ready" is ActiveState bakeryd active
expect "it runs as its own user" test "$(ps -o user= -p "$(show MainPID bakeryd)")" = bakery
expect "an order is done at the machine's socket" says_hello
expect "its state is in /var/lib/bakery, for nobody else" test "$(stat -c '%U %a' /var/lib/bakery)" = "bakery 700"

before=$(show MainPID bakeryd)
nap=$("$BAKERY" order nap)
expect "the supervisor can be killed" kill -KILL "$before"
expect "systemd starts it again" eventually is NRestarts bakeryd 1
expect "it becomes ready again" eventually is SubState bakeryd running
expect "it is another process" test "$(show MainPID bakeryd)" != "$before"
expect "the order that it had is done" "$BAKERY" wait "$nap"

nap=$("$BAKERY" order nap)
# shellcheck disable=SC2016 # for the inner bash
expect "a job is running" eventually bash -c '"$0" show "$1" | grep -q running' "$BAKERY" "$nap"
expect "the service stops" systemctl stop bakeryd
expect "it has ended well" is Result bakeryd success
expect "none of its processes is left" nobody_left
expect "the socket unit starts" systemctl start bakeryd.socket
expect "the service does not run yet" is ActiveState bakeryd inactive
expect "a client at the socket starts it" says_hello
expect "the job that ran when it was stopped could end" "$BAKERY" wait "$nap"

systemctl --no-block restart bakeryd
expect "clients wait at the socket while it is restarted" says_hello
expect "both units stop" systemctl stop bakeryd.socket bakeryd.service

expect "a second, independent service starts" systemctl start bakeryd@two
expect "it serves at its own socket" says_hello --server unix:/run/bakery-two/bakery.sock
expect "its state is apart" test -d /var/lib/bakery-two
expect "it stops" systemctl stop bakeryd@two
expect "it has ended well too" is Result bakeryd@two success

# A person's own service manager, as a login would have started it.
useradd -m -u 4711 alice
install -d -o alice -m 700 /run/user/4711
systemd-run -q --unit=alice -p User=alice -p Delegate=yes -p Type=notify -E XDG_RUNTIME_DIR=/run/user/4711 -E HOME=/home/alice \
	/lib/systemd/systemd --user
alice() { setpriv --reuid=alice --regid=alice --clear-groups env HOME=/home/alice XDG_RUNTIME_DIR=/run/user/4711 "$@"; }
alice_says_hello() { [ "$(alice "$BAKERY" run --wait -- echo hello)" = hello ]; }
expect "a person's service starts" alice systemctl --user start bakeryd
expect "it runs a command for its owner" alice_says_hello
expect "it stops" alice systemctl --user stop bakeryd
expect "a person's socket unit starts" alice systemctl --user start bakeryd.socket
expect "a client at the socket starts the service" alice_says_hello
expect "both stop" alice systemctl --user stop bakeryd.socket bakeryd.service

echo "1..$n"
exit $failed

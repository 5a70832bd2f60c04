#!/usr/bin/env bash
# Runs a script under a real, short-lived systemd: PID 1 of namespaces of its own, on any machine whose root user may make them, whatever that
# machine's own PID 1 is.
#
#     with-systemd.sh TREE SCRIPT
#
# The inner root is the machine's / with the directory TREE laid over it, in memory: nothing written inside comes back, and none of the machine's own
# services start. SCRIPT runs by bash as root beside systemd, without network; its standard output comes out here. The exit status is
# SCRIPT's; 77 (with the reason on standard error) where this is impossible; 125 when systemd did not come up or hung.
set -u

impossible() {
	echo "$*" >&2
	exit 77
}

if [ "${1-}" != inside ]; then
	tree=$(readlink -f "$1") script=$(readlink -f "$2") self=$(readlink -f "$0")
	[ "$(id -u)" = 0 ] || impossible "needs root"
	[ -x /lib/systemd/systemd ] || impossible "systemd is not installed (Debian: systemd)"
	for fs in overlay cgroup2; do
		grep -qw "$fs" /proc/filesystems || modprobe -q "$fs" 2>/dev/null || impossible "the kernel has no $fs"
	done
	unshare --mount --propagation private true 2>/dev/null || impossible "may not make a mount namespace"
	exec unshare --mount --propagation private -- bash "$self" inside outer "$tree" "$script"
fi

# ---- in a private mount namespace: make the root and the cgroup, start PID 1, tell what came out
if [ "$2" = outer ]; then
	tree=$3 script=$4
	w=$(mktemp -d) || exit 125
	cgroup=
	# shellcheck disable=SC2317 # called by trap
	clean_up() {
		if [ -n "$cgroup" ]; then
			# the last processes may still be on their way out
			for _ in $(seq 100); do
				find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
				[ -d "$cgroup" ] || break
				sleep 0.05
			done
		fi
		umount -R -l "$w" 2>/dev/null
		rmdir "$w"
	}
	trap clean_up EXIT
	trap 'exit 125' INT TERM HUP

	mount -t tmpfs -o mode=755 bakery-test "$w" || impossible "may not mount a tmpfs"
	mkdir "$w/upper" "$w/work" "$w/root" "$w/out" "$w/cgroup"
	chmod 755 "$w/upper"
	mount -t overlay -o "lowerdir=/,upperdir=$w/upper,workdir=$w/work" overlay "$w/root" 2>/dev/null ||
		impossible "may not lay an overlay over /"
	mount -t cgroup2 cgroup2 "$w/cgroup" 2>/dev/null || impossible "may not mount cgroup2"
	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	cgroup=$w/cgroup$own/bakery-test.$$
	mkdir "$cgroup" 2>/dev/null || { cgroup=; impossible "may not make a cgroup"; }

	# Nothing of the machine's: no units, no generated units, no mounts, no tidying of directories.
	etc=$w/root/etc units=$w/root/etc/systemd/system
	rm -rf "$units" "$etc/machine-id"
	mkdir -p "$units" "$etc/systemd/system-generators" "$etc/systemd/journald.conf.d"
	for generator in "$w"/root/lib/systemd/system-generators/*; do
		ln -sf /dev/null "$etc/systemd/system-generators/${generator##*/}"
	done
	for unit in systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-tmpfiles-clean.timer systemd-udevd.service \
		systemd-udev-trigger.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-logind.service \
		systemd-timesyncd.service systemd-sysctl.service systemd-modules-load.service systemd-random-seed.service \
		systemd-update-utmp.service systemd-binfmt.service systemd-firstboot.service systemd-pstore.service \
		systemd-machine-id-commit.service systemd-sysusers.service dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount \
		sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount; do
		ln -sf /dev/null "$units/$unit"
	done
	: >"$etc/fstab"
	tr -d - </proc/sys/kernel/random/uuid >"$etc/machine-id"
	printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >"$etc/systemd/journald.conf.d/test.conf"
	cat >"$units/bakery-test.target" <<-'END'
		[Unit]
		Requires=basic.target
		Wants=bakery-test.service
		After=basic.target
	END
	cat >"$units/bakery-test.service" <<-'END'
		[Unit]
		After=basic.target
		SuccessAction=exit
		FailureAction=exit
		[Service]
		Type=oneshot
		Environment=LANG=C.UTF-8
		ExecStart=/bin/sh -c 'bash /bakery-test/script; echo $? >/bakery-test/status'
		StandardOutput=append:/bakery-test/output
		StandardError=append:/bakery-test/output
	END
	tar -C "$tree" -cf - . | tar -C "$w/root" --no-same-owner --keep-directory-symlink -xf - || exit 125
	mkdir "$w/root/bakery-test"
	mount --bind "$w/out" "$w/root/bakery-test"
	cp "$script" "$w/out/script"
	: >"$w/out/output"

	# shellcheck disable=SC2016 # the inner bash expands it
	# PID 1 dies with this script, and everything else with PID 1.
	timeout -k 5 "${SYSTEMD_TEST_SECONDS:-180}" \
		bash -c 'echo 0 >"$1/cgroup.procs" && shift && exec unshare --pid --fork --kill-child --cgroup --mount --uts --ipc --net -- "$@"' \
		bash "$cgroup" bash "$0" inside pid1 "$w/root" </dev/null >"$w/console" 2>&1
	cat "$w/out/output"
	if [ ! -s "$w/out/status" ]; then
		tr -d '\r' <"$w/console" | tail -n 40 | sed 's/^/console: /' >&2
		exit 125
	fi
	exit "$(cat "$w/out/status")"
fi

# ---- PID 1 of the new namespaces: mount what the kernel offers, change the root, become systemd
set -e
root=$3
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for node in null zero full random urandom tty; do
	: >"$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mkdir "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old
mount --make-rshared /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=bakery-test LANG=C.UTF-8 \
	/lib/systemd/systemd --system --unit=bakery-test.target --log-target=console --show-status=no

#!/bin/bash
# A host of its own that really boots, under systemd, and boots again: user-mode Linux on this machine's files, which it
# cannot change (what it writes goes to a disk of its own). Sees the unit of `weave-ts service install` run and its
# watchdog bite, and after a reboot everything come back without a hand; then the same after the power was cut.
#
#   scripts/reboot.sh [LINUX]      as root; the program of user-mode Linux (default linux.uml); a few minutes
#
# Debian's has no nftables for IP, so that exposing the host is left out; one that was built with NF_TABLES_INET has it.
# KEEP=1 leaves disk and log. MEMORY (default 1200M): of the guest. LIMIT (default 900): seconds for all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly kernel=${1:-linux.uml} memory=${MEMORY:-1200M} limit=${LIMIT:-900}
[ "$(id -u)" = 0 ] || { echo 'reboot: run as root' >&2; exit 77; }
for pair in "$kernel"=user-mode-linux modprobe=kmod mkfs.ext4=e2fsprogs /lib/systemd/systemd=systemd jq=jq; do
  command -v "${pair%%=*}" >/dev/null || { echo "reboot: ${pair%%=*} is missing: apt install ${pair#*=}" >&2; exit 69; }
done
[ -f build/lib/cli/main.js ] || { echo 'reboot: nothing is built: make build' >&2; exit 69; }

work=$(mktemp -d /var/tmp/weave-ts-reboot.XXXXXX)
clean() { if [ -n "${KEEP:-}" ]; then echo "reboot: kept $work"; else rm -rf "$work"; fi; }
trap clean EXIT
truncate -s 1G "$work/disk"
mkfs.ext4 -q "$work/disk"
DESTDIR=$work/program PREFIX=/usr/local scripts/install.sh install >/dev/null
cp -R scripts/reboot "$work/"
printf '#!/bin/sh\nexec /bin/sh "%s/reboot/init.sh" "%s"\n' "$work" "$work" >"$work/init"
chmod +x "$work/init"
echo first >"$work/phase"

# It returns when the guest has powered off; reboots happen inside.
timeout --foreground "$limit" "$kernel" "mem=$memory" rootfstype=hostfs rootflags=/ ro quiet loglevel=1 "init=$work/init" \
  "ubd0=$work/disk" con=null con0=null,fd:1 </dev/null 2>/dev/null | tee "$work/log" |
  sed -un 's/\r$//; s/^.*reboot-check: //p' || true
phase=$(cat "$work/phase")
if [ "$phase" != done ]; then
  echo "reboot: ended in the phase $phase; the end of what the guest said:" >&2
  tail -n 100 "$work/log" >&2
  exit 1
fi
echo 'reboot: all came back'

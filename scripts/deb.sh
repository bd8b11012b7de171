#!/bin/bash
# Makes weave-ts_VERSION_ARCH.deb of what is built, with Node.js and all packages in it: it installs without a network.
# Needs dpkg-deb.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "deb: $*" >&2
  exit 1
}

command -v dpkg-deb >/dev/null || fail 'dpkg-deb was not found: run this on Debian or Ubuntu, or apt install dpkg'
version=$(node -p 'require("./package.json").version')
architecture=$(dpkg --print-architecture)
readonly version architecture
readonly OUTPUT=${DEB:-weave-ts_${version}_$architecture.deb}
root=$(mktemp -d)
readonly root
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

DESTDIR=$root PREFIX=/usr WITH_NODE=1 scripts/install.sh install >/dev/null
mkdir -p "$root/DEBIAN" "$root/usr/share/doc/weave-ts" "$root/lib/systemd/system"
cp LICENSE "$root/usr/share/doc/weave-ts/copyright"
gzip -9nc CHANGELOG.md >"$root/usr/share/doc/weave-ts/changelog.gz"
# The unit that the program writes where it will be.
readonly UNIT=$root/lib/systemd/system/weave-ts.service
"$root/usr/lib/weave-ts/bin/node" "$root/usr/lib/weave-ts/bin/weave-ts" service install --print |
  sed "s|$root||g; 1d" >"$UNIT"
if grep -F "$PWD" "$UNIT"; then fail 'the unit leads to where the package was made'; fi

cat >"$root/DEBIAN/control" <<CONTROL
Package: weave-ts
Version: $version
Architecture: $architecture
Maintainer: weave-ts <weave-ts@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: iproute2, util-linux, coreutils, grep, libc6 (>= 2.28), libstdc++6
Recommends: nftables
Suggests: docker.io | docker-ce, iptables
Section: net
Priority: optional
Description: encrypted layer-2 overlay mesh for hosts and containers
 One daemon on each host joins its containers to one Ethernet, sealed between
 hosts, without a controller and without a central store.
CONTROL

cat >"$root/DEBIAN/postinst" <<'SH'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # An upgrade goes on with the new version; a first installation starts nothing: nobody has said how yet.
  # A reload replaces the daemon by one that is ready; where it cannot, frames stand still for some seconds.
  if [ -n "$2" ] && systemctl is-active --quiet weave-ts.service; then
    systemctl reload weave-ts.service || systemctl restart weave-ts.service
  fi
fi
SH
cat >"$root/DEBIAN/prerm" <<'SH'
#!/bin/sh
set -e
if [ "$1" = remove ]; then
  if [ -d /run/systemd/system ]; then systemctl disable --now weave-ts.service || true; fi
  # One that was launched by hand.
  weave-ts stop >/dev/null 2>&1 || true
fi
SH
cat >"$root/DEBIAN/postrm" <<'SH'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
# The bridge stays until the next boot; `weave-ts reset` before the removal takes it, and hands the addresses on.
if [ "$1" = purge ]; then rm -rf /var/lib/weave-ts; fi
SH
chmod 755 "$root"/DEBIAN/p*
dpkg-deb --build --root-owner-group -Zgzip -z6 "$root" "$OUTPUT" >/dev/null
echo "$OUTPUT: apt install ./$(basename "$OUTPUT")"

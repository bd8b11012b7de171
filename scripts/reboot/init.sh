#!/bin/sh
# The first process of the guest of scripts/reboot.sh: makes a root whose writes go to the guest's own disk, with as few
# services as will do, and hands over to systemd. Argument: the directory shared with the outside.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /run/dev /run/disk /run/root /run/modules/lib/modules
mount -t devtmpfs dev /run/dev
modules=/usr/lib/uml/modules/$(uname -r)
ln -s "$modules" /run/modules/lib/modules/
for module in overlay tun veth bridge br_netfilter; do modprobe -d /run/modules "$module" 2>/dev/null || true; done

mount /run/dev/ubda /run/disk
mkdir -p /run/disk/upper /run/disk/work
mount -t overlay -o lowerdir=/,upperdir=/run/disk/upper,workdir=/run/disk/work root /run/root
cd /run/root
mkdir -p srv/outside srv/old lib/modules usr/local/lib/weave-ts
mount -t hostfs -o "$1" outside srv/outside
mount --bind srv/outside/program/usr/local/lib/weave-ts usr/local/lib/weave-ts

if [ ! -e etc/weave-ts-guest ]; then
  ln -sfn "$modules" lib/modules/
  # What this machine runs is not the guest's to run.
  rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/fstab
  for unit in systemd-udevd systemd-udev-trigger systemd-logind dbus-org.freedesktop.login1 systemd-update-utmp \
    systemd-random-seed systemd-binfmt systemd-firstboot uml-utilities; do
    ln -sf /dev/null "etc/systemd/system/$unit.service"
  done
  ln -sf /dev/null etc/systemd/system/getty.target
  # This machine may be a container; the guest is none.
  rm -f .dockerenv run/.containerenv
  echo weave-ts-guest >etc/hostname
  echo 00000000000000000000000000000001 >etc/machine-id
  cp srv/outside/reboot/units/*.service etc/systemd/system/
  mkdir -p etc/systemd/system/multi-user.target.wants
  for unit in srv/outside/reboot/units/*.service; do
    ln -s "../${unit##*/}" etc/systemd/system/multi-user.target.wants/
  done
  ln -sf ../lib/weave-ts/bin/weave-ts usr/local/bin/weave-ts
  touch etc/weave-ts-guest
fi
pivot_root . srv/old
exec chroot . /bin/sh -c 'umount -l /srv/old; exec /lib/systemd/systemd --show-status=no --unit=multi-user.target' </dev/console >/dev/console 2>&1

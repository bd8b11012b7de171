#!/bin/bash
# Makes a Docker image of what is built, without a registry: weave-ts, Node.js, and the programs of this host that the
# daemon runs, with the libraries that they need. IMAGE names it (default weave-ts:VERSION); with TAR=file the root file
# system is written there instead, for `docker import` elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PROGRAMS=(sh dirname readlink cat grep tee ip bridge nsenter setpriv flock nft)
# Not every host has them; without them chains of iptables are left alone.
readonly XTABLES=(iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy iptables ip6tables)

fail() {
  echo "image: $*" >&2
  exit 1
}

version=$(node -p 'require("./package.json").version')
readonly version IMAGE=${IMAGE:-weave-ts:$version} TAR=${TAR:-}
root=$(mktemp -d)
readonly root
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
PATH=$PATH:/usr/sbin:/sbin

# Copies a file to where it is, with what links lead to it.
place() {
  local path=$1 directory link
  while true; do
    directory=$(realpath "$(dirname "$path")")
    mkdir -p "$root$directory"
    cp -P "$path" "$root$directory/"
    [[ -L $path ]] || break
    link=$(readlink "$path")
    if [[ $link == /* ]]; then path=$link; else path=$directory/$link; fi
  done
}

place_with_libraries() {
  place "$1"
  local library
  # A program that is linked statically has none.
  while read -r library; do place "$library"; done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true)
}

# Where /bin and the like are links into /usr, they are so in the image.
mkdir -p "$root/usr"
for directory in bin sbin lib lib32 lib64 libx32; do
  if [[ -L /$directory ]]; then
    mkdir -p "$root$(realpath "/$directory")"
    cp -P "/$directory" "$root/$directory"
  fi
done
DESTDIR=$root PREFIX=/usr WITH_NODE=1 scripts/install.sh install >/dev/null
place_with_libraries "$(node -p process.execPath)"
rm "$root$(node -p process.execPath)"
place_with_libraries "$root/usr/lib/weave-ts/prebuilds/linux-$(node -p process.arch)/engine.node"
rm -rf "${root:?}/$root"
for program in "${PROGRAMS[@]}"; do
  path=$(command -v "$program") || fail "$program was not found, and is needed in the image"
  place_with_libraries "$path"
done
for program in "${XTABLES[@]}"; do
  if path=$(command -v "$program"); then place_with_libraries "$path"; fi
done
for directory in /usr/lib/*/xtables /usr/lib/xtables; do
  if [[ -d $directory ]]; then
    mkdir -p "$root$directory"
    cp -a "$directory/." "$root$directory/"
  fi
done
# Names of hosts are looked up by these, which no program names; newer systems have them in libc itself.
for library in /lib/*/libnss_{dns,files}.so.2; do
  if [[ -e $library ]]; then place "$library"; fi
done
mkdir -p "$root"/{etc,proc,sys,dev,run,tmp,var/lib/weave-ts}
ln -sfn /run "$root/var/run"
printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

readonly CHANGES=(--change 'ENTRYPOINT ["weave-ts"]' --change 'CMD ["launch", "--foreground", "--resume"]'
  --change 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin')
if [[ -n $TAR ]]; then
  tar -C "$root" -cf "$TAR" --owner=0 --group=0 .
  echo "$TAR is there; on a host: docker import ${CHANGES[*]@Q} $TAR $IMAGE"
  exit
fi
command -v docker >/dev/null || fail 'docker was not found; with TAR=file no docker is needed here'
tar -C "$root" -c --owner=0 --group=0 . |
  docker import "${CHANGES[@]}" - "$IMAGE" >/dev/null
echo "$IMAGE is there; how to run it: docs/operations.md"

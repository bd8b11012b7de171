#!/bin/bash
# `install.sh install` copies the built program with what it needs to DESTDIR/PREFIX/lib/weave-ts, a link to it to
# DESTDIR/PREFIX/bin, its man page and the completion for bash to DESTDIR/PREFIX/share; `install.sh uninstall` takes all of
# it away. Needs no network. DESTDIR is for packagers; WITH_NODE=1 copies the running Node.js as well, which is then used.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "install: $*" >&2
  exit 1
}

# As it is written in links: without slashes at the end, or two beside each other.
PREFIX=$(tr -s / <<<"${PREFIX:-/usr/local}")
PREFIX=${PREFIX%/}
[[ $PREFIX == /* || -z $PREFIX ]] || fail "PREFIX=$PREFIX is no absolute path"
readonly PREFIX DESTDIR=${DESTDIR:-} WITH_NODE=${WITH_NODE:-}
readonly PLACE=$PREFIX/lib/weave-ts LINK=$PREFIX/bin/weave-ts
readonly TARGET=$DESTDIR$PLACE
readonly MAN=$DESTDIR$PREFIX/share/man/man8/weave-ts.8.gz
readonly COMPLETION=$DESTDIR$PREFIX/share/bash-completion/completions/weave-ts

# What is at these places: nothing, ours, or of somebody else.
is_our_link() {
  [[ -L $DESTDIR$LINK && $(readlink "$DESTDIR$LINK" | tr -s /) == "$PLACE/bin/weave-ts"* ]]
}
is_our_man() {
  [[ -f $MAN && ! -L $MAN ]] && zgrep -qs 'WEAVE\\-TS' "$MAN"
}
is_our_completion() {
  [[ -f $COMPLETION && ! -L $COMPLETION ]] && grep -qs '^complete -F _weave_ts ' "$COMPLETION"
}

# Fails where installing would overwrite what somebody else has put there.
refuse_foreign() {
  local path=$1 is_ours=$2
  [[ ! -e $path && ! -L $path ]] || "$is_ours" || fail "$path is there, and is not weave-ts's: not touched"
}

remove() {
  # Only what is ours: a link that leads elsewhere, or a directory of another program, stays.
  if is_our_link; then rm "$DESTDIR$LINK"; fi
  if is_our_man; then rm "$MAN"; fi
  if is_our_completion; then rm "$COMPLETION"; fi
  [[ -e $TARGET ]] || return 0
  grep -qs '"name": "weave-ts"' "$TARGET/package.json" || fail "$TARGET is not weave-ts's: not touched"
  rm -r "$TARGET"
}

# Packages that are needed to run, as the lock file names them, as far as they are there: one path a line, those inside
# another package left out.
packages() {
  node -e '
    const { existsSync } = require("node:fs")
    for (const [path, { dev, devOptional }] of Object.entries(require("./package-lock.json").packages))
      if (path.lastIndexOf("node_modules/") === 0 && !dev && !devOptional && existsSync(path)) console.log(path)'
}

# A Node.js of its own, and a program beside the usual one that runs with it.
install_node() {
  cp -L "$(node -p process.execPath)" "$TARGET/bin/node"
  cat >"$TARGET/bin/weave-ts-alone" <<'SH'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/weave-ts" "$@"
SH
  chmod 755 "$TARGET/bin/weave-ts-alone"
  ln -sfn "$PLACE/bin/weave-ts-alone" "$DESTDIR$LINK"
}

install_all() {
  [[ -f build/bundle/js/main.js ]] || fail 'nothing is built: make build'
  [[ -f prebuilds/linux-$(node -p process.arch)/engine.node ]] || fail 'the packet engine is not built: make native'
  refuse_foreign "$DESTDIR$LINK" is_our_link
  refuse_foreign "$MAN" is_our_man
  refuse_foreign "$COMPLETION" is_our_completion
  remove
  mkdir -p "$TARGET/build" "$DESTDIR$PREFIX/bin" "$(dirname "$MAN")" "$(dirname "$COMPLETION")"
  cp -RL bin docs monitoring prebuilds LICENSE README.md CHANGELOG.md package.json "$TARGET/"
  cp -R build/bundle "$TARGET/build/"
  local path
  while read -r path; do
    mkdir -p "$TARGET/$(dirname "$path")"
    cp -RL "$path" "$TARGET/$(dirname "$path")/"
  done < <(packages)
  ln -sfn "$PLACE/bin/weave-ts" "$DESTDIR$LINK"
  [[ -z $WITH_NODE ]] || install_node
  node build/scripts/man-page.js | gzip -9n >"$MAN"
  node bin/weave-ts completion bash >"$COMPLETION"
  echo "$DESTDIR$LINK leads to $PLACE; under systemd: weave-ts service install"
}

case ${1:-} in
  install) install_all ;;
  uninstall) remove ;;
  *) fail 'say install or uninstall' ;;
esac

#!/bin/sh
# Builds the packet engine: prebuilds/linux-<arch>/engine.node. SANITIZE=1 builds build/native-sanitize/engine.node in its
# place, with AddressSanitizer and UndefinedBehaviorSanitizer. To run a test on that one:
#
#   WEAVE_TS_ENGINE=$PWD/build/native-sanitize/engine.node ASAN_OPTIONS=detect_leaks=0 FUZZ_RUNS=8000 \
#   LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libubsan.so)" \
#   node build/test/compliance/native-fuzz.test.js
set -eu
cd "$(dirname "$0")/.."

case "$(uname -m)" in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) echo "build-native: no packet engine for $(uname -m): only x86_64 and aarch64 Linux are supported" >&2; exit 1 ;;
esac
compiler=${CXX:-c++}
if ! command -v "$compiler" >/dev/null 2>&1; then
  echo "build-native: no C++ compiler ($compiler): install one (Debian, Ubuntu: apt-get install g++) or set CXX" >&2
  exit 1
fi
headers=node_modules/node-api-headers/include
if [ ! -f "$headers/node_api.h" ]; then
  echo "build-native: $headers is missing: run npm ci first" >&2
  exit 1
fi

out=prebuilds/linux-$arch
objects=build/native
flags='-std=c++17 -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion'
if [ "${SANITIZE:-0}" = 1 ]; then
  objects=build/native-sanitize
  out=$objects
  flags="$flags -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
fi
mkdir -p "$out" "$objects"

# Two compilers at a time: as many as the smallest machine has cores.
list=
for source in native/*.cpp; do
  object=$objects/$(basename "$source" .cpp).o
  list="$list $object"
  newest=$(ls -t native/*.h "$source" scripts/build-native.sh "$object" 2>/dev/null | head -n 1)
  if [ "$newest" != "$object" ]; then printf '%s\0%s\0' "$source" "$object"; fi
done > "$objects/stale"
xargs -0 -r -n 2 -P 2 sh -c "$compiler $flags -I$headers -c \"\$0\" -o \"\$1\"" < "$objects/stale"

# The name changes in one step, so that a running process never maps half a file.
# shellcheck disable=SC2086
"$compiler" $flags -shared -static-libstdc++ -static-libgcc $list -ldl -lpthread -o "$out/engine.node.new"
mv "$out/engine.node.new" "$out/engine.node"
echo "$out/engine.node"

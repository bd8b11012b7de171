#!/bin/sh
# Builds the packet engine, or what watches over it. `build-native.sh [KIND]` prints what it made:
#
#   engine        prebuilds/linux-<arch>/engine.node: without KIND
#   sanitized     build/native-sanitized/engine.node, with AddressSanitizer and UndefinedBehaviorSanitizer
#   racing-lanes  build/native-thread/racing-lanes, with ThreadSanitizer (test/native/racing-lanes.cpp)
#   fuzz-replay   build/native-sanitized/fuzz-replay, which runs what the fuzzer found (test/native/fuzz-engine.cpp)
#   fuzz-engine   build/native-fuzz/fuzz-engine, the fuzzer itself; CXX is clang then
#
# `make sanitize` builds and runs those between, `make fuzz` the last. A single test on the sanitized engine:
#
#   WEAVE_TS_ENGINE=$PWD/build/native-sanitized/engine.node ASAN_OPTIONS=detect_leaks=0 FUZZ_RUNS=8000 \
#   LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libubsan.so)" \
#   node build/test/compliance/native-fuzz.test.js
set -eu
cd "$(dirname "$0")/.."
kind=${1:-engine}

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

warnings='-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion'
flags="-std=c++17 -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti $warnings"
sanitizing='-g -O1 -fno-omit-frame-pointer'
sources=$(echo native/*.cpp)
# Programs of their own have nothing to do with Node.js.
alone=$(echo "$sources" | tr ' ' '\n' | grep -v '^native/binding-')
fuzzing='test/native/frames.cpp test/native/fuzz-kernel.cpp test/native/fuzz-engine.cpp'
in_place_of_the_kernel=$(printf -- '-Wl,--wrap=%s ' read write writev recvmmsg sendmmsg sendto clock_gettime)
wrapping=
case "$kind" in
  engine)
    objects=build/native out=prebuilds/linux-$arch/engine.node ;;
  sanitized)
    objects=build/native-sanitized out=$objects/engine.node
    flags="$flags $sanitizing -fsanitize=address,undefined -fno-sanitize-recover=undefined" ;;
  racing-lanes)
    objects=build/native-thread out=$objects/racing-lanes
    flags="-std=c++17 $warnings $sanitizing -fsanitize=thread"
    sources="$alone test/native/frames.cpp test/native/racing-lanes.cpp" ;;
  fuzz-replay)
    objects=build/native-sanitized out=$objects/fuzz-replay
    flags="$flags $sanitizing -fsanitize=address,undefined -fno-sanitize-recover=undefined"
    sources="$alone $fuzzing test/native/fuzz-replay.cpp" wrapping=$in_place_of_the_kernel ;;
  fuzz-engine)
    objects=build/native-fuzz out=$objects/fuzz-engine
    flags="-std=c++17 $warnings $sanitizing -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
    sources="$alone $fuzzing" wrapping="$in_place_of_the_kernel -fsanitize=fuzzer" ;;
  *) echo "build-native: nothing is called $kind: engine, sanitized, racing-lanes, fuzz-replay, fuzz-engine" >&2; exit 2 ;;
esac
mkdir -p "$(dirname "$out")" "$objects"

# Two compilers at a time: as many as the smallest machine has cores.
list=
for source in $sources; do
  object=$objects/$(basename "$source" .cpp).o
  list="$list $object"
  newest=$(ls -t native/*.h test/native/*.h "$source" scripts/build-native.sh "$object" 2>/dev/null | head -n 1)
  if [ "$newest" != "$object" ]; then printf '%s\0%s\0' "$source" "$object"; fi
done > "$objects/stale"
xargs -0 -r -n 2 -P 2 sh -c "$compiler $flags -I$headers -c \"\$0\" -o \"\$1\"" < "$objects/stale"

case "$out" in
  *.node) linking='-shared -static-libstdc++ -static-libgcc' ;;
  *) linking= ;;
esac
# The name changes in one step, so that a running process never maps half a file.
# shellcheck disable=SC2086
"$compiler" $flags $linking $wrapping $list -ldl -lpthread -o "$out.new"
mv "$out.new" "$out"
echo "$out"

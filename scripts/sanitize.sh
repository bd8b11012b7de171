#!/bin/sh
# Runs the engine's tests under AddressSanitizer and UndefinedBehaviorSanitizer, and two racing lanes under ThreadSanitizer.
# What the fuzzer found once is run again. FUZZ_RUNS: how many cases each fuzz test takes (default 8000). Those on a real TAP need root. Exit status 1 when one failed.
set -eu
cd "$(dirname "$0")/.."
engine=$PWD/$(scripts/build-native.sh sanitized)
replay=$(scripts/build-native.sh fuzz-replay)
racing=$(scripts/build-native.sh racing-lanes)
compiler=${CXX:-c++}
failed=0

# tell NAME STATUS WANTED FILE
tell() {
  if [ "$2" = "$3" ]; then echo "  ok   $1"; return; fi
  failed=1
  echo "  FAIL $1: status $2, not $3"
  tail -n 60 "$4" | sed 's/^/       | /'
}

echo 'address and undefined behaviour'
log=build/native-sanitized/log
tests="test/compliance/native-*.test.ts test/unit/io/resident-memory.test.ts"
if [ "$(id -u)" = 0 ]; then
  tests="$tests test/system/native-engine.test.ts test/system/native-queues.test.ts test/system/native-small-mtu.test.ts"
else
  echo '  skip those on a real TAP (they need root)'
fi
for test in $tests; do
  status=0
  # Node.js itself leaves memory to the end of the process.
  WEAVE_TS_ENGINE=$engine ASAN_OPTIONS=detect_leaks=0 FUZZ_RUNS=${FUZZ_RUNS:-8000} TAP_TIMEOUT=300 \
    LD_PRELOAD="$($compiler -print-file-name=libasan.so) $($compiler -print-file-name=libubsan.so)" \
    node "build/${test%.ts}.js" > "$log" 2>&1 || status=$?
  tell "$test" "$status" 0 "$log"
done

status=0
ASAN_OPTIONS=detect_leaks=0 "$replay" test/native/corpus.txt > "$log" 2>&1 || status=$?
tell "what the fuzzer found: $(tail -n 1 "$log")" "$status" 0 "$log"

echo 'threads'
log=build/native-thread/log
status=0
"$racing" > "$log" 2>&1 || status=$?
tell "racing lanes: $(head -n 1 "$log")" "$status" 0 "$log"
# What could not fail would prove nothing.
status=0
TSAN_OPTIONS=exitcode=66 "$racing" --one-slot > "$log" 2>&1 || status=$?
tell 'a race that is made on purpose is seen' "$status" 66 "$log"
exit $failed

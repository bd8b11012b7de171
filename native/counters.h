// Totals of one lane: written by that lane only, read by anyone.
#pragma once
#include <atomic>
#include <cstdint>

namespace weave {

#define WEAVE_COUNTERS(X)                                                                                             \
  X(RX_DATAGRAMS, "rx-datagrams") X(RX_BYTES, "rx-bytes") X(TX_DATAGRAMS, "tx-datagrams") X(TX_BYTES, "tx-bytes")     \
  X(TAP_RX_FRAMES, "tap-rx-frames") X(TAP_RX_BYTES, "tap-rx-bytes") X(TAP_TX_FRAMES, "tap-tx-frames")                 \
  X(TAP_TX_BYTES, "tap-tx-bytes") X(TAP_RX_BATCHES, "tap-rx-batches") X(TAP_TX_WRITES, "tap-tx-writes")              \
  X(RX_BATCHES, "rx-batches") X(TX_BATCHES, "tx-batches")                                                             \
  X(RELAYED, "relayed") X(UDP_GSO_REFUSED, "udp-gso-refused") X(TAP_GSO_REFUSED, "tap-gso-refused")                   \
  X(LOCAL_MOVES, "local-moves") X(FRAGMENTED, "fragmented") X(REASSEMBLED, "reassembled")                             \
  X(RX_FRAGMENTS, "rx-fragments") X(TX_HANDED, "tx-handed") X(RX_INJECTED, "rx-injected")                               \
  X(TOO_BIG_TOLD, "too-big-told") X(TOO_BIG_UNTOLD, "too-big-untold") X(DROP_FRAGMENT, "drop:fragment")               \
  X(DROP_FRAGMENT_LATE, "drop:fragment-late") X(DROP_FRAGMENT_FULL, "drop:fragment-full")                             \
  X(DROP_SHORT, "drop:short") X(DROP_TYPE, "drop:type") X(DROP_NO_SESSION, "drop:no-session")                         \
  X(DROP_REPLAY, "drop:replay") X(DROP_AUTH, "drop:auth") X(DROP_KIND, "drop:kind")                                   \
  X(DROP_NO_PEER, "drop:no-peer") X(DROP_NO_PATH, "drop:no-path") X(DROP_TOO_BIG, "drop:too-big")                     \
  X(DROP_COUNTER_EXHAUSTED, "drop:counter-exhausted") X(DROP_UDP_FULL, "drop:udp-full")                               \
  X(DROP_UNREACHABLE, "drop:unreachable") X(DROP_RELAY_UNKNOWN, "drop:relay-unknown")                                 \
  X(DROP_RELAY_BACK, "drop:relay-back") X(DROP_TAP_FULL, "drop:tap-full") X(DROP_TAP_REFUSED, "drop:tap-refused")     \
  X(DROP_ROWS_FULL, "drop:rows-full") X(DROP_CONTROL_FULL, "drop:control-full")                                       \
  X(DROP_LINK_OUT_FULL, "drop:link-out-full") X(DROP_INTAKE_FULL, "drop:intake-full")                               \
  X(DROP_VLAN_TAGS, "drop:vlan-tags") X(DROP_UDP_QUEUE, "drop:udp-queue") X(DROP_TAP_QUEUE, "drop:tap-queue")          \
  /* SWITCH_DROPS of lib/overlay/packet-engine.ts, in its order */                                                    \
  X(DROP_NO_DESTINATION, "drop:no-destination") X(DROP_SPOOFED_SOURCE, "drop:spoofed-source")                         \
  X(DROP_SPOOFED_NEIGHBOUR, "drop:spoofed-neighbour")                                                                 \
  X(DROP_ROUTER_ADVERTISEMENT, "drop:router-advertisement") X(DROP_BRIDGE_CONTROL, "drop:bridge-control")             \
  X(DROP_FLOOD_ORIGIN, "drop:flood-origin") X(DROP_HOP_LIMIT, "drop:hop-limit")                                             \
  X(DROP_UNKNOWN_ORIGIN, "drop:unknown-origin") X(DROP_MALFORMED_FRAME, "drop:malformed-frame")              \
  X(DROP_DUPLICATE_MAC, "drop:duplicate-mac") X(DROP_FLOOD_LIMIT, "drop:flood-limit")                                 \
  X(DROP_PATH_AWAITED, "drop:path-awaited") X(DROP_DHCP_SERVER, "drop:dhcp-server")                     \
  X(DROP_NO_LISTENER, "drop:no-listener") X(DROP_MEASURE_UNASKED, "drop:measure-unasked")

enum Counter {
#define WEAVE_ENUM(name, text) name,
  WEAVE_COUNTERS(WEAVE_ENUM)
#undef WEAVE_ENUM
  COUNTERS,
};
constexpr int SWITCH_DROPS = COUNTERS - DROP_NO_DESTINATION;

extern const char* const COUNTER_NAMES[COUNTERS];

struct Counters {
  alignas(64) std::atomic<uint64_t> values[COUNTERS] = {};
  void add(int counter, uint64_t count = 1) {
    auto& value = values[counter];
    value.store(value.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
};

}  // namespace weave

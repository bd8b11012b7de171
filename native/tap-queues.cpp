#include "tap-queues.h"

#include "bytes.h"
#include "parse.h"

namespace weave {
namespace {

static_assert((TAP_QUEUES & (TAP_QUEUES - 1)) == 0 && KNOWN_FLOWS_MAX % (2 * TAP_QUEUES) == 0, "the queue is told in bits that the entry implies");
constexpr uint32_t IS_KNOWN = TAP_QUEUES, QUEUE_BITS = 2 * TAP_QUEUES - 1;

bool has_ports(int protocol) {
  constexpr int TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDPLITE = 136;
  return protocol == TCP || protocol == UDP || protocol == DCCP || protocol == SCTP || protocol == UDPLITE;
}

}  // namespace

int TapTurns::order(unsigned ready, int64_t now, uint8_t queues[TAP_QUEUES]) {
  uint8_t others[TAP_QUEUES];
  int count = 0, more = 0;
  for (unsigned i = 0; i < TAP_QUEUES; i++) {
    unsigned queue = (turn_ + i) % TAP_QUEUES;
    if ((ready >> queue & 1) == 0) {
      meter_[queue].set_waiting(false);
      continue;
    }
    meter_[queue].advance(now);
    if (meter_[queue].is_sparse()) queues[count++] = static_cast<uint8_t>(queue);
    else others[more++] = static_cast<uint8_t>(queue);
  }
  for (int i = 0; i < more; i++) queues[count++] = others[i];
  return count;
}

void FlowQueues::note(uint32_t flow, int queue) {
  std::atomic<uint32_t>& known = known_[flow % KNOWN_FLOWS_MAX];
  uint32_t value = (flow & ~QUEUE_BITS) | IS_KNOWN | static_cast<uint32_t>(queue);
  // Not written again and again: other lanes read what lies beside it.
  if (known.load(std::memory_order_relaxed) != value) known.store(value, std::memory_order_relaxed);
}

unsigned FlowQueues::choose(uint32_t flow, unsigned count) const {
  uint32_t value = known_[flow % KNOWN_FLOWS_MAX].load(std::memory_order_relaxed);
  unsigned queue = value & (IS_KNOWN - 1);
  if ((value & IS_KNOWN) != 0 && ((value ^ flow) & ~QUEUE_BITS) == 0 && queue < count) return queue;
  // The highest bits: those depend on all.
  return static_cast<unsigned>(uint64_t{flow} * count >> 32);
}

uint32_t flow_hash(const uint8_t* frame, const FrameShape& shape, int length) {
  if (shape.l3 == 0) return 0;
  const uint8_t* ip = frame + shape.l3;
  int at = shape.version == 4 ? 12 : 8, bytes = shape.version == 4 ? 4 : 16;
  // Later fragments have it, too.
  uint32_t protocol = shape.version == 4 ? ip[9] : shape.protocol < 0 ? 0 : static_cast<uint32_t>(shape.protocol);
  bool ports = has_ports(shape.protocol) && shape.l4 != 0 && !shape.fragment && length >= shape.l4 + 4;
  auto end_of = [&](int side) {
    uint32_t hash = protocol << 16 | (ports ? be16(frame + shape.l4 + 2 * side) : 0);
    for (int i = 0; i < bytes; i += 4) hash = (hash ^ be32(ip + at + side * bytes + i)) * 0x9e3779b1u;
    return hash ^ hash >> 15;
  };
  return (end_of(0) + end_of(1)) * 0x85ebca6bu;
}

}  // namespace weave

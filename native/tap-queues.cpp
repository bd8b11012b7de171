#include "tap-queues.h"

#include "bytes.h"
#include "parse.h"

namespace weave {
namespace {

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
    if ((ready >> queue & 1) == 0) continue;
    meter_[queue].advance(now);
    if (meter_[queue].is_sparse()) queues[count++] = static_cast<uint8_t>(queue);
    else others[more++] = static_cast<uint8_t>(queue);
  }
  for (int i = 0; i < more; i++) queues[count++] = others[i];
  return count;
}

unsigned queue_of(const uint8_t* frame, int length, unsigned count) {
  FrameShape shape = parse_frame(frame, length);
  if (shape.l3 == 0) return 0;
  const uint8_t* ip = frame + shape.l3;
  uint32_t hash = 0;
  auto mix = [&hash](uint32_t word) { hash = (hash ^ word) * 0x9e3779b1u; };
  int first = shape.version == 4 ? 12 : 8, end = shape.version == 4 ? 20 : 40;
  for (int at = first; at < end; at += 4) mix(be32(ip + at));
  if (has_ports(shape.protocol) && shape.l4 != 0 && !shape.fragment && length >= shape.l4 + 4) mix(be32(frame + shape.l4));
  // The highest bits: those depend on all.
  return static_cast<unsigned>(uint64_t{hash} * count >> 32);
}

}  // namespace weave

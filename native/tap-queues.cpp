#include "tap-queues.h"

#include "bytes.h"
#include "parse.h"

namespace weave {

int TapTurns::order(unsigned ready, int64_t now, uint8_t queues[TAP_QUEUES], int& sparse) {
  uint8_t others[TAP_QUEUES];
  int count = 0, more = 0;
  for (unsigned i = 0; i < TAP_QUEUES; i++) {
    unsigned queue = (turn_ + i) % TAP_QUEUES;
    if ((ready >> queue & 1) == 0) continue;
    if (meter_[queue].is_sparse(now)) queues[count++] = static_cast<uint8_t>(queue);
    else others[more++] = static_cast<uint8_t>(queue);
  }
  sparse = count;
  for (int i = 0; i < more; i++) queues[count++] = others[i];
  return count;
}

unsigned queue_of(const uint8_t* frame, int length, unsigned count) {
  FrameShape shape = parse_frame(frame, length);
  if (shape.l3 == 0) return 0;
  const uint8_t* ip = frame + shape.l3;
  uint32_t hash = static_cast<uint32_t>(shape.protocol);
  auto mix = [&hash](uint32_t word) { hash = (hash ^ word) * 0x9e3779b1u; };
  int first = shape.version == 4 ? 12 : 8, end = shape.version == 4 ? 20 : 40;
  for (int at = first; at < end; at += 4) mix(be32(ip + at));
  if (shape.l4 != 0 && !shape.fragment && length >= shape.l4 + 4) mix(be32(frame + shape.l4));
  return (hash >> 16) % count;
}

}  // namespace weave

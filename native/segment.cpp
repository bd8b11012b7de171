#include "segment.h"

#include <cstring>

#include "bytes.h"
#include "constants.h"

namespace weave {
namespace {

constexpr int PROTOCOL_TCP = 6, PROTOCOL_UDP = 17;
constexpr uint8_t TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80;

}  // namespace

bool describe_segments(const uint8_t* frame, int length, int flags, int checksum_start, int checksum_offset,
                       const FrameShape& shape, SegmentPlan& plan) {
  if ((flags & FLAG_CHECKSUM_PARTIAL) == 0 || shape.l3 == 0 || shape.l4 == 0 || shape.fragment) return false;
  if (checksum_start != shape.l4) return false;
  plan.tcp = (flags & (FLAG_GSO_TCP4 | FLAG_GSO_TCP6)) != 0;
  if (plan.tcp) {
    if (shape.version != ((flags & FLAG_GSO_TCP4) ? 4 : 6)) return false;
    if (shape.protocol != PROTOCOL_TCP || checksum_offset != 16 || length < shape.l4 + 20) return false;
    int header = (frame[shape.l4 + 12] >> 4) * 4;
    if (header < 20) return false;
    plan.header = shape.l4 + header;
  } else {
    if (shape.protocol != PROTOCOL_UDP || checksum_offset != 6) return false;
    plan.header = shape.l4 + 8;
  }
  if (length <= plan.header || length - shape.l3 > 65535 + (shape.version == 6 ? 40 : 0)) return false;
  plan.l3 = shape.l3;
  plan.l4 = shape.l4;
  plan.version = shape.version;
  plan.payload = length - plan.header;
  const uint8_t* ip = frame + plan.l3;
  uint32_t protocol = plan.tcp ? PROTOCOL_TCP : PROTOCOL_UDP;
  plan.pseudo_sum = protocol + (plan.version == 4 ? sum16(ip + 12, 8) : sum16(ip + 8, 32));
  if (plan.version == 4) {
    plan.ip_sum = sum16(ip, plan.l4 - plan.l3);
    plan.ip_sum -= be16(ip + 2);
    plan.ip_sum -= be16(ip + 4);
    plan.ip_sum -= be16(ip + 10);
  }
  return true;
}

void set_segment_size(SegmentPlan& plan, int size) {
  plan.size = size;
  plan.count = (plan.payload + size - 1) / size;
}

void fix_lengths(const SegmentPlan& plan, uint8_t* frame, int length) {
  uint8_t* ip = frame + plan.l3;
  if (plan.version == 4) {
    put_be16(ip + 2, static_cast<uint16_t>(length - plan.l3));
    put_be16(ip + 10, static_cast<uint16_t>(~fold16(plan.ip_sum + be16(ip + 2) + be16(ip + 4))));
  } else {
    put_be16(ip + 4, static_cast<uint16_t>(length - plan.l3 - 40));
  }
  uint8_t* transport = frame + plan.l4;
  uint32_t transport_length = static_cast<uint32_t>(length - plan.l4);
  uint16_t sum = fold16(plan.pseudo_sum + transport_length);
  if (plan.tcp) {
    put_be16(transport + 16, sum);
  } else {
    put_be16(transport + 4, static_cast<uint16_t>(transport_length));
    put_be16(transport + 6, sum);
  }
}

int write_segment(const SegmentPlan& plan, const uint8_t* frame, int index, uint8_t* out) {
  int from = index * plan.size;
  int bytes = plan.payload - from < plan.size ? plan.payload - from : plan.size;
  int length = plan.header + bytes;
  memcpy(out, frame, static_cast<size_t>(plan.header));
  memcpy(out + plan.header, frame + plan.header + from, static_cast<size_t>(bytes));
  if (plan.version == 4) {
    uint8_t* id = out + plan.l3 + 4;
    put_be16(id, static_cast<uint16_t>(be16(id) + index));
  }
  if (plan.tcp) {
    uint8_t* tcp = out + plan.l4;
    put_be32(tcp + 4, be32(tcp + 4) + static_cast<uint32_t>(from));
    if (index + 1 < plan.count) tcp[13] &= static_cast<uint8_t>(~(TCP_FIN | TCP_PSH));
    if (index > 0) tcp[13] &= static_cast<uint8_t>(~TCP_CWR);
  }
  fix_lengths(plan, out, length);
  return length;
}

}  // namespace weave

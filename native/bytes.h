// Unaligned integers and the Internet checksum (RFC 1071).
#pragma once
#include <cstdint>
#include <cstring>

namespace weave {

inline uint16_t le16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }
inline uint32_t le32(const uint8_t* p) { uint32_t v; memcpy(&v, p, 4); return v; }
inline uint64_t le64(const uint8_t* p) { uint64_t v; memcpy(&v, p, 8); return v; }
inline void put_le16(uint8_t* p, uint16_t v) { memcpy(p, &v, 2); }
inline void put_le32(uint8_t* p, uint32_t v) { memcpy(p, &v, 4); }
inline void put_le64(uint8_t* p, uint64_t v) { memcpy(p, &v, 8); }
inline uint16_t be16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t be32(const uint8_t* p) { return __builtin_bswap32(le32(p)); }
inline void put_be16(uint8_t* p, uint16_t v) { p[0] = static_cast<uint8_t>(v >> 8); p[1] = static_cast<uint8_t>(v); }
inline void put_be32(uint8_t* p, uint32_t v) { put_le32(p, __builtin_bswap32(v)); }

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the engine is written for little-endian machines");

// One's-complement sum of 16-bit big-endian words, not folded. `bytes` is even.
inline uint32_t sum16(const uint8_t* p, int bytes) {
  uint32_t sum = 0;
  for (int i = 0; i < bytes; i += 2) sum += be16(p + i);
  return sum;
}

inline uint16_t fold16(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace weave

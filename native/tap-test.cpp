#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "bytes.h"
#include "constants.h"
#include "segment.h"
#include "tap.h"

namespace weave {
namespace {

constexpr uint32_t HERE = 0xc0000201, THERE = 0xc0000202;  // 192.0.2.1 and .2 (RFC 5737), in a namespace that nobody else sees
constexpr int PORT = 7000, HEADERS = 14 + 20 + 8;
constexpr int SEGMENT = 100, SEGMENTS = 3, REST = 40, TOTAL = SEGMENTS * SEGMENT + REST;
constexpr int PATIENCE_MS = 200;

bool address_tap(const std::string& name, uint8_t mac[6]) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  ifreq request{};
  memcpy(request.ifr_name, name.c_str(), name.size());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(HERE);
  memcpy(&request.ifr_addr, &address, sizeof address);
  bool done = ioctl(descriptor, SIOCSIFADDR, &request) == 0;
  request.ifr_flags = IFF_UP;
  done = done && ioctl(descriptor, SIOCSIFFLAGS, &request) == 0 && ioctl(descriptor, SIOCGIFHWADDR, &request) == 0;
  if (done) memcpy(mac, request.ifr_hwaddr.sa_data, 6);
  close(descriptor);
  return done;
}

int listen_here() {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(PORT);
  address.sin_addr.s_addr = htonl(HERE);
  if (descriptor >= 0 && bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

// One datagram, or a super-frame of several, with an open checksum.
bool write_datagrams(int tap, const uint8_t mac[6], const uint8_t* payload, int length, bool is_super) {
  uint8_t bytes[VNET_HEADER + HEADERS + TOTAL] = {};
  uint8_t* frame = bytes + VNET_HEADER;
  bytes[0] = VNET_NEEDS_CSUM;
  if (is_super) {
    bytes[1] = VNET_GSO_UDP_L4;
    put_le16(bytes + 2, HEADERS);
    put_le16(bytes + 4, SEGMENT);
  }
  put_le16(bytes + 6, 14 + 20);
  put_le16(bytes + 8, 6);
  memcpy(frame, mac, 6);
  frame[6] = 2;
  put_be16(frame + 12, 0x0800);
  uint8_t* ip = frame + 14;
  ip[0] = 0x45;
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  put_be32(ip + 12, THERE);
  put_be32(ip + 16, HERE);
  put_be16(ip + 20, PORT);
  put_be16(ip + 22, PORT);
  memcpy(frame + HEADERS, payload, static_cast<size_t>(length));
  SegmentPlan plan;
  int flags = FLAG_CHECKSUM_PARTIAL | FLAG_GSO_UDP;
  if (!describe_segments(frame, HEADERS + length, flags, 14 + 20, 6, parse_frame(frame, HEADERS + length), plan)) return false;
  fix_lengths(plan, frame, HEADERS + length);
  return write(tap, bytes, static_cast<size_t>(VNET_HEADER + HEADERS + length)) > 0;
}

bool comes(int listener, const uint8_t* payload, int length) {
  uint8_t got[TOTAL + 1];
  pollfd ready{listener, POLLIN, 0};
  if (poll(&ready, 1, PATIENCE_MS) <= 0) return false;
  return recv(listener, got, sizeof got, 0) == length && memcmp(got, payload, static_cast<size_t>(length)) == 0;
}

SelfTest test_here() {
  if (unshare(CLONE_NEWNET) != 0) return SelfTest::untested;
  std::string name;
  TapOffloads offloads;
  Failure failure;
  std::vector<int> queues = open_tap(name, 1, offloads, failure);
  if (queues.empty()) return SelfTest::untested;
  int tap = queues[0];
  uint8_t mac[6], payload[TOTAL];
  for (int i = 0; i < TOTAL; i++) payload[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
  int listener = address_tap(name, mac) ? listen_here() : -1;
  SelfTest result = SelfTest::untested;
  // Where a single one does not come nothing is proved of several.
  if (listener >= 0 && write_datagrams(tap, mac, payload, REST, false) && comes(listener, payload, REST)) {
    bool good = write_datagrams(tap, mac, payload, TOTAL, true);
    for (int at = 0; good && at < TOTAL; at += SEGMENT) {
      good = comes(listener, payload + at, at + SEGMENT < TOTAL ? SEGMENT : REST);
    }
    result = good ? SelfTest::passed : SelfTest::failed;
  }
  if (listener >= 0) close(listener);
  close(tap);
  return result;
}

void* run(void* result) {
  *static_cast<SelfTest*>(result) = test_here();
  return nullptr;
}

}  // namespace

// A network namespace is a thread's: in one of its own there is nobody else's firewall, and nobody sees the device.
SelfTest test_tap_datagrams() {
  SelfTest result = SelfTest::untested;
  pthread_t thread;
  if (pthread_create(&thread, nullptr, run, &result) != 0) return result;
  pthread_join(thread, nullptr);
  return result;
}

}  // namespace weave

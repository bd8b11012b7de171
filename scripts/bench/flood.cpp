// Floods a UDP port as fast as it can, and prints how many datagrams left.
//   flood nonsense ADDRESS PORT SECONDS           bytes of no session
//   flood replayed ADDRESS PORT SECONDS DEVICE    datagrams that were seen to go there over the device, again and again
//   flood forged ADDRESS PORT SECONDS DEVICE      the same, each time with a counter that was never used
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int SEEN_MAX = 64, BATCH = 64, PACKET_MAX = 1500, COUNTER_AT = 8, DATAGRAM_MIN = 33;
constexpr uint64_t FORGED_FROM = 1 << 30;  // far from what is used, and below where a key ends
constexpr auto CAPTURE_LIMIT = std::chrono::seconds(20);

using Clock = std::chrono::steady_clock;
using Datagram = std::vector<uint8_t>;

[[noreturn]] void fail(const char* what) {
  perror(what);
  exit(1);
}

int word_at(const uint8_t* p) { return p[0] << 8 | p[1]; }

// UDP over IPv4 to there, as it passes the device.
std::vector<Datagram> captured(const char* device, const sockaddr_in& to) {
  int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ALL);
  where.sll_ifindex = static_cast<int>(if_nametoindex(device));
  timeval patience{1, 0};
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) fail("capture");
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::vector<Datagram> seen;
  uint8_t packet[PACKET_MAX];
  for (auto until = Clock::now() + CAPTURE_LIMIT; static_cast<int>(seen.size()) < SEEN_MAX && Clock::now() < until;) {
    ssize_t bytes = recv(fd, packet, sizeof packet, MSG_TRUNC);
    if (bytes < 28 || bytes > PACKET_MAX || packet[0] != 0x45 || packet[9] != IPPROTO_UDP) continue;
    if (memcmp(packet + 16, &to.sin_addr, 4) != 0 || word_at(packet + 22) != ntohs(to.sin_port)) continue;
    if (bytes >= 28 + DATAGRAM_MIN) seen.emplace_back(packet + 28, packet + bytes);
  }
  close(fd);
  return seen;
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) return fprintf(stderr, "flood: see the head of its source\n"), 2;
  std::string what = words[1];
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(atoi(words[3])));
  if (inet_pton(AF_INET, words[2], &to.sin_addr) != 1) fail(words[2]);
  std::vector<Datagram> datagrams(BATCH, Datagram(100, 1));
  if (what != "nonsense") datagrams = captured(words[5], to);
  if (datagrams.empty()) return fprintf(stderr, "flood: nothing was seen to go there\n"), 1;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("socket");
  mmsghdr messages[BATCH] = {};
  iovec parts[BATCH];
  uint64_t sent = 0, counter = FORGED_FROM;
  for (auto until = Clock::now() + std::chrono::seconds(atoi(words[4])); Clock::now() < until;) {
    for (int i = 0; i < BATCH; i++) {
      Datagram& datagram = datagrams[(sent + static_cast<uint64_t>(i)) % datagrams.size()];
      if (what == "forged") memcpy(datagram.data() + COUNTER_AT, &++counter, sizeof counter);
      parts[i] = {datagram.data(), datagram.size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    int taken = sendmmsg(fd, messages, BATCH, 0);
    if (taken > 0) sent += static_cast<uint64_t>(taken);
  }
  printf("%llu\n", static_cast<unsigned long long>(sent));
  return 0;
}

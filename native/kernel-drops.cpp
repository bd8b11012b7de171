#include "kernel-drops.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cstring>

#include "route-netlink.h"

namespace weave {
namespace {

constexpr int SO_MEMINFO_OPTION = 55, MEMINFO_DROPS = 8, MEMINFO_FIELDS = 9;
constexpr int ANSWER_BYTES = 4096;

struct Question {
  nlmsghdr header;
  if_stats_msg stats;
};

// Frames that the device dropped although it was to send them, of 64 bits.
bool ask_dropped(unsigned index, uint64_t& dropped) {
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = RTM_GETSTATS;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.stats.ifindex = index;
  question.stats.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
  alignas(nlmsghdr) uint8_t answer[ANSWER_BYTES];
  long bytes = ask_route_netlink(&question, sizeof question, answer, sizeof answer);
  constexpr size_t VALUES_AT = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(if_stats_msg)) + RTA_LENGTH(0);
  if (bytes < static_cast<long>(VALUES_AT + sizeof(rtnl_link_stats64))) return false;
  nlmsghdr header;
  memcpy(&header, answer, sizeof header);
  if (header.nlmsg_type != RTM_NEWSTATS) return false;
  rtnl_link_stats64 values;
  memcpy(&values, answer + VALUES_AT, sizeof values);
  dropped = values.tx_dropped;
  return true;
}

}  // namespace

uint64_t KernelDrops::of_sockets(const UdpSocket& udp) {
  return of_socket(udp.descriptor, bulk_) + (udp.expedited < 0 ? 0 : of_socket(udp.expedited, expedited_));
}

uint64_t KernelDrops::of_socket(int descriptor, uint32_t& told) {
  uint32_t fields[MEMINFO_FIELDS] = {};
  socklen_t bytes = sizeof fields;
  if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO_OPTION, fields, &bytes) != 0 || bytes < sizeof fields) return 0;
  // 32 bits that go round.
  uint32_t fresh = fields[MEMINFO_DROPS] - told;
  told = fields[MEMINFO_DROPS];
  return fresh;
}

uint64_t KernelDrops::of_tap(const std::string& name) {
  unsigned index = name.empty() ? 0 : if_nametoindex(name.c_str());
  if (index == 0) return 0;
  uint64_t dropped = 0;
  if (!ask_dropped(index, dropped)) return 0;
  // Another device of that name, made since: it began at none.
  if (index != tap_index_ || dropped < tap_) tap_ = 0;
  tap_index_ = index;
  uint64_t fresh = dropped - tap_;
  tap_ = dropped;
  return fresh;
}

}  // namespace weave

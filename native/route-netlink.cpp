#include "route-netlink.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace weave {
namespace {

constexpr size_t ANSWER_BYTES = 1024;
constexpr char KIND[] = "noqueue";

struct Order {
  nlmsghdr header;
  tcmsg message;
  rtattr attribute;
  char kind[sizeof KIND];
};

}  // namespace

long ask_route_netlink(const void* message, size_t bytes, void* answer, size_t room) {
  int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) return -1;
  bool sent = send(descriptor, message, bytes, 0) == static_cast<ssize_t>(bytes);
  ssize_t got = sent ? recv(descriptor, answer, room, 0) : -1;
  int error = errno;
  close(descriptor);
  errno = error;
  return got;
}

int remove_queue_discipline(unsigned interface_index) {
  Order order{};
  order.header.nlmsg_len = sizeof order;
  order.header.nlmsg_type = RTM_NEWQDISC;
  order.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  order.message.tcm_ifindex = static_cast<int>(interface_index);
  order.message.tcm_parent = TC_H_ROOT;
  order.attribute.rta_type = TCA_KIND;
  order.attribute.rta_len = RTA_LENGTH(sizeof KIND);
  memcpy(order.kind, KIND, sizeof KIND);
  alignas(nlmsghdr) uint8_t answer[ANSWER_BYTES];
  long got = ask_route_netlink(&order, sizeof order, answer, sizeof answer);
  if (got < static_cast<long>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return got < 0 ? errno : EPROTO;
  nlmsgerr verdict;
  memcpy(&verdict, answer + NLMSG_HDRLEN, sizeof verdict);
  return -verdict.error;
}

}  // namespace weave

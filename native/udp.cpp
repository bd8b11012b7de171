#include "udp.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "constants.h"

namespace weave {
namespace {

constexpr int SCOPE_ID_AT = 2;  // where a link-local address has its interface, as in lib/address/scope-id.ts; 0 on the wire
constexpr int PMTUDISC_PROBE = 3;  // DF on every datagram, whatever the kernel believes of the path

bool is_link_local(const uint8_t* ip) { return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80; }

bool set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

void set_buffers(int descriptor) {
  if (!set_option(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)) {
    set_option(descriptor, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
  }
  if (!set_option(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES)) {
    set_option(descriptor, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
  }
}

int bind_family(int family, const uint8_t* address, uint16_t port, Failure& failure) {
  int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    failure = {errno, "socket"};
    return -1;
  }
  if (family == AF_INET6 && !set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0)) {
    failure = {errno, "IPV6_V6ONLY"};
    close(descriptor);
    return -1;
  }
  Endpoint endpoint;
  if (address != nullptr) {
    memcpy(endpoint.ip, address, 16);
  } else if (family == AF_INET) {
    endpoint.ip[10] = endpoint.ip[11] = 0xff;
  }
  endpoint.port = port;
  sockaddr_in6 where{};
  socklen_t bytes = to_sockaddr(endpoint, family, where);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&where), bytes) != 0) {
    failure = {errno, "bind"};
    close(descriptor);
    return -1;
  }
  return descriptor;
}

}  // namespace

socklen_t to_sockaddr(const Endpoint& endpoint, int family, sockaddr_in6& out) {
  if (family == AF_INET6) {
    memset(&out, 0, sizeof out);
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(endpoint.port);
    memcpy(&out.sin6_addr, endpoint.ip, 16);
    if (is_link_local(endpoint.ip)) {
      out.sin6_scope_id = be16(endpoint.ip + SCOPE_ID_AT);
      memset(out.sin6_addr.s6_addr + SCOPE_ID_AT, 0, 2);
    }
    return sizeof(sockaddr_in6);
  }
  if (!endpoint.is_ipv4()) return 0;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port);
  memcpy(&v4.sin_addr, endpoint.ip + 12, 4);
  memcpy(&out, &v4, sizeof v4);
  return sizeof v4;
}

void from_sockaddr(const sockaddr_in6& address, Endpoint& out) {
  out.is_set = true;
  if (address.sin6_family == AF_INET6) {
    memcpy(out.ip, &address.sin6_addr, 16);
    if (is_link_local(out.ip) && address.sin6_scope_id <= UINT16_MAX) {
      put_be16(out.ip + SCOPE_ID_AT, static_cast<uint16_t>(address.sin6_scope_id));
    }
    out.port = ntohs(address.sin6_port);
    return;
  }
  sockaddr_in v4;
  memcpy(&v4, &address, sizeof v4);
  memset(out.ip, 0, 10);
  out.ip[10] = out.ip[11] = 0xff;
  memcpy(out.ip + 12, &v4.sin_addr, 4);
  out.port = ntohs(v4.sin_port);
}

bool set_udp_gro(UdpSocket& udp, bool on) {
  if (!set_option(udp.descriptor, SOL_UDP_LEVEL, UDP_GRO_OPTION, on ? 1 : 0)) return false;
  if (udp.expedited >= 0) set_option(udp.expedited, SOL_UDP_LEVEL, UDP_GRO_OPTION, on ? 1 : 0);
  udp.gro = on;
  return true;
}

void close_udp(UdpSocket& udp) {
  if (udp.descriptor >= 0) close(udp.descriptor);
  if (udp.expedited >= 0) close(udp.expedited);
  udp.descriptor = udp.expedited = -1;
}

// The first was bound alone, so another process that has the port was noticed; the second joins it (SO_REUSEPORT: of the same user
// only), and a classic BPF program chooses by the class in the datagram's header.
void open_expedited(UdpSocket& udp) {
  sockaddr_in6 bound{};
  socklen_t bytes = sizeof bound;
  if (getsockname(udp.descriptor, reinterpret_cast<sockaddr*>(&bound), &bytes) != 0) return;
  int descriptor = socket(udp.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  sock_filter program[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, CLASS_AT},
      {BPF_ALU | BPF_AND | BPF_K, 0, 0, CLASS_EXPEDITED},
      {BPF_RET | BPF_A, 0, 0, 0},
  };
  sock_fprog choice = {sizeof program / sizeof program[0], program};
  if ((udp.family != AF_INET6 || set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
      set_option(udp.descriptor, SOL_SOCKET, SO_REUSEPORT, 1) && set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) &&
      bind(descriptor, reinterpret_cast<sockaddr*>(&bound), bytes) == 0 &&
      setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &choice, sizeof choice) == 0) {
    set_buffers(descriptor);
    if (udp.gro) set_option(descriptor, SOL_UDP_LEVEL, UDP_GRO_OPTION, 1);
    udp.expedited = descriptor;
    return;
  }
  close(descriptor);
  set_option(udp.descriptor, SOL_SOCKET, SO_REUSEPORT, 0);
}

UdpSocket open_udp(const uint8_t* address, uint16_t port, bool gro, Failure& failure) {
  UdpSocket opened;
  Endpoint wanted;
  if (address != nullptr) memcpy(wanted.ip, address, 16);
  opened.family = address != nullptr && wanted.is_ipv4() ? AF_INET : AF_INET6;
  opened.descriptor = bind_family(opened.family, address, port, failure);
  bool no_ipv6 = failure.error == EAFNOSUPPORT || failure.error == EADDRNOTAVAIL || failure.error == EPROTONOSUPPORT;
  if (opened.descriptor < 0 && address == nullptr && no_ipv6) {
    failure = {};
    opened.family = AF_INET;
    opened.descriptor = bind_family(AF_INET, nullptr, port, failure);
  }
  if (opened.descriptor < 0) return opened;
  set_buffers(opened.descriptor);
  if (opened.family == AF_INET6) set_option(opened.descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
  set_option(opened.descriptor, IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
  if (gro) set_udp_gro(opened, true);
  sockaddr_in6 bound{};
  socklen_t bytes = sizeof bound;
  getsockname(opened.descriptor, reinterpret_cast<sockaddr*>(&bound), &bytes);
  Endpoint local;
  from_sockaddr(bound, local);
  opened.port = local.port;
  return opened;
}

SelfTest test_udp_offloads(bool gro) {
  constexpr int SEGMENT = 200, TOTAL = 3 * SEGMENT + 50;
  Failure failure;
  uint8_t loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  UdpSocket receiver = open_udp(loopback, 0, gro, failure), sender = open_udp(loopback, 0, false, failure);
  auto finish = [&](SelfTest result) {
    close_udp(receiver);
    close_udp(sender);
    return result;
  };
  if (receiver.descriptor < 0 || sender.descriptor < 0) return finish(SelfTest::untested);

  uint8_t data[TOTAL], got[4096];
  for (int i = 0; i < TOTAL; i++) data[i] = static_cast<uint8_t>(i * 7);
  Endpoint target;
  memcpy(target.ip, loopback, 16);
  target.port = receiver.port;
  sockaddr_in6 where{};
  iovec part{data, sizeof data};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(2)] = {};
  msghdr message{};
  message.msg_name = &where;
  message.msg_namelen = to_sockaddr(target, AF_INET, where);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_len = CMSG_LEN(2);
  header->cmsg_level = SOL_UDP_LEVEL;
  header->cmsg_type = UDP_SEGMENT_OPTION;
  put_le16(CMSG_DATA(header), SEGMENT);
  if (sendmsg(sender.descriptor, &message, 0) < 0) {
    // A namespace whose loopback device is down can prove nothing.
    return finish(errno == ENETUNREACH || errno == EPERM ? SelfTest::untested : SelfTest::failed);
  }
  int received = 0;
  while (received < TOTAL) {
    pollfd ready{receiver.descriptor, POLLIN, 0};
    if (poll(&ready, 1, 200) <= 0) return finish(received == 0 ? SelfTest::untested : SelfTest::failed);
    ssize_t bytes = recv(receiver.descriptor, got, sizeof got, 0);
    if (bytes <= 0 || received + bytes > TOTAL) return finish(SelfTest::failed);
    if (memcmp(got, data + received, static_cast<size_t>(bytes)) != 0) return finish(SelfTest::failed);
    if (!gro && bytes != SEGMENT && received + bytes != TOTAL) return finish(SelfTest::failed);
    received += static_cast<int>(bytes);
  }
  return finish(SelfTest::passed);
}

}  // namespace weave

// The UDP socket, its addresses and its offloads (UDP_SEGMENT since Linux 4.18, UDP_GRO since 5.0).
#pragma once
#include <netinet/in.h>

#include "session-table.h"
#include "tap.h"

namespace weave {

constexpr int SOL_UDP_LEVEL = 17, UDP_SEGMENT_OPTION = 103, UDP_GRO_OPTION = 104;

struct UdpSocket {
  int descriptor = -1;
  int expedited = -1;  // of the same address and port: the kernel puts datagrams of that class here. -1 where it cannot
  int family = 0;  // AF_INET6 (dual stack) or AF_INET
  uint16_t port = 0;
  bool gro = false;
};

// Binds to `address` (16 bytes; null: every address, IPv6 and IPv4 where the host has both).
UdpSocket open_udp(const uint8_t* address, uint16_t port, bool gro, Failure& failure);
// Adds the second socket. Nothing is sent by it.
void open_expedited(UdpSocket& udp);
void close_udp(UdpSocket& udp);
bool set_udp_gro(UdpSocket& udp, bool on);

// Fills `out` for this socket's family; 0 when the socket cannot reach the endpoint's family.
socklen_t to_sockaddr(const Endpoint& endpoint, int family, sockaddr_in6& out);
void from_sockaddr(const sockaddr_in6& address, Endpoint& out);

// Sends a train over the loopback device and checks what arrives.
SelfTest test_udp_offloads(bool gro);

}  // namespace weave

// What the kernel dropped before the engine could read it: from the queue of the socket, and from that of the TAP.
#pragma once
#include <cstdint>
#include <string>

#include "udp.h"

namespace weave {

// Packets since this was made. Used by one thread at a time.
class KernelDrops {
 public:
  // What was dropped since the last call, 0 where the kernel does not say (SO_MEMINFO since Linux 4.12, RTM_GETSTATS since 4.7).
  uint64_t of_sockets(const UdpSocket& udp);
  uint64_t of_tap(const std::string& name);

 private:
  uint64_t of_socket(int descriptor, uint32_t& told);

  uint32_t bulk_ = 0, expedited_ = 0;  // that were told already
  uint64_t tap_ = 0;
  unsigned tap_index_ = 0;  // of the device that they were of
};

}  // namespace weave

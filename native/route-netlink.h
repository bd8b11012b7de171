// A question or an order to the kernel by rtnetlink (RFC 3549), and its answer.
#pragma once
#include <cstddef>

namespace weave {

// Returns how many bytes of `answer` were filled; 0 or less when nothing was.
long ask_route_netlink(const void* message, size_t bytes, void* answer, size_t room);

// No queue of its own before those of the device's driver, which drops what it has no room for, whatever waits before it. 0, or an errno.
int remove_queue_discipline(unsigned interface_index);

}  // namespace weave

#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "constants.h"
#include "route-netlink.h"

namespace weave {
namespace {

constexpr unsigned OFFLOAD_CSUM = 0x01, OFFLOAD_TSO4 = 0x02, OFFLOAD_TSO6 = 0x04, OFFLOAD_USO4 = 0x20, OFFLOAD_USO6 = 0x40;

// `name` is set to what the device is called.
int open_queue(std::string& name, int flags, Failure& failure) {
  int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    failure = {errno, "open /dev/net/tun"};
    return -1;
  }
  ifreq request{};
  memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags);
  if (ioctl(descriptor, TUNSETIFF, &request) != 0) {
    failure = {errno, "TUNSETIFF"};
    close(descriptor);
    return -1;
  }
  name = request.ifr_name;
  return descriptor;
}

}  // namespace

bool set_tap_offloads(int descriptor, const TapOffloads& offloads) {
  unsigned bits = 0;
  if (offloads.checksum) {
    bits |= OFFLOAD_CSUM;
    if (offloads.tso) bits |= OFFLOAD_TSO4 | OFFLOAD_TSO6;
    if (offloads.tso && offloads.uso) bits |= OFFLOAD_USO4 | OFFLOAD_USO6;
  }
  return ioctl(descriptor, TUNSETOFFLOAD, static_cast<unsigned long>(bits)) == 0;
}

std::vector<int> open_tap(std::string& name, size_t wanted, TapOffloads& offloads, Failure& failure) {
  if (name.size() >= IFNAMSIZ) return failure = {ENAMETOOLONG, "TUNSETIFF"}, std::vector<int>();
  // New, for a device of several queues takes whoever comes: two daemons would share its frames.
  int descriptor = wanted > 1 ? open_queue(name, IFF_MULTI_QUEUE | IFF_TUN_EXCL, failure) : -1;
  // One that is there already, and that nobody reads, has one queue.
  if (descriptor < 0 && (wanted == 1 || failure.error == EBUSY)) {
    wanted = 1;
    descriptor = open_queue(name, 0, failure = {});
  }
  if (descriptor < 0) return {};
  std::vector<int> queues{descriptor};
  int header = VNET_HEADER, little_endian = 1;
  if (ioctl(descriptor, TUNSETVNETHDRSZ, &header) != 0) {
    failure = {errno, "TUNSETVNETHDRSZ"};
    close(descriptor);
    return {};
  }
  ioctl(descriptor, TUNSETVNETLE, &little_endian);  // the default on little-endian machines
  if (!offloads.checksum) offloads.tso = false;
  if (!offloads.tso) offloads.uso = false;
  // Kernels before 6.2 do not know USO; some know no offload at all.
  if (!set_tap_offloads(descriptor, offloads)) {
    offloads.uso = false;
    if (!set_tap_offloads(descriptor, offloads)) {
      offloads.tso = false;
      if (!set_tap_offloads(descriptor, offloads)) {
        offloads.checksum = false;
        set_tap_offloads(descriptor, offloads);
      }
    }
  }
  // Before it is up, when the kernel would give it one for each queue that it might have. Where it does not do so, frames pass that one.
  if (wanted > 1) remove_queue_discipline(if_nametoindex(name.c_str()));
  for (Failure ignored; queues.size() < wanted;) {
    descriptor = open_queue(name, IFF_MULTI_QUEUE, ignored);
    if (descriptor < 0) break;
    queues.push_back(descriptor);
  }
  return queues;
}

}  // namespace weave

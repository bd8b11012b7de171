#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "constants.h"

namespace weave {
namespace {

constexpr unsigned OFFLOAD_CSUM = 0x01, OFFLOAD_TSO4 = 0x02, OFFLOAD_TSO6 = 0x04, OFFLOAD_USO4 = 0x20, OFFLOAD_USO6 = 0x40;

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

int open_tap(std::string& name, TapOffloads& offloads, Failure& failure) {
  int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  auto fail = [&](const char* step) {
    failure = {errno, step};
    if (descriptor >= 0) close(descriptor);
    return -1;
  };
  if (descriptor < 0) return fail("open /dev/net/tun");
  ifreq request{};
  if (name.size() >= IFNAMSIZ) { errno = ENAMETOOLONG; return fail("TUNSETIFF"); }
  memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(descriptor, TUNSETIFF, &request) != 0) return fail("TUNSETIFF");
  name = request.ifr_name;
  int header = VNET_HEADER, little_endian = 1;
  if (ioctl(descriptor, TUNSETVNETHDRSZ, &header) != 0) return fail("TUNSETVNETHDRSZ");
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
  return descriptor;
}

}  // namespace weave

// The TAP device: frames with a virtio_net_hdr before each (Linux Documentation/networking/tuntap.rst).
#pragma once
#include <string>
#include <vector>

namespace weave {

struct TapOffloads {
  bool checksum = true, tso = true, uso = true;
};

// What failed, for the caller's message. `error` is an errno value, 0 for success.
struct Failure {
  int error = 0;
  const char* step = "";
};

enum class SelfTest { passed, failed, untested };

// Writes a super-frame of datagrams to a TAP in a network namespace of its own, and checks what arrives. Untested without the
// right to make such a namespace.
SelfTest test_tap_datagrams();

// Opens (making it if need be) the TAP `name`; returns a non-blocking descriptor for each of its queues: as many as `wanted`, or one where
// the device has no more; none on failure. `offloads` is set to what the kernel granted, `name` to what it is called.
std::vector<int> open_tap(std::string& name, size_t wanted, TapOffloads& offloads, Failure& failure);

// Turns offloads on or off; false when the kernel refuses.
bool set_tap_offloads(int descriptor, const TapOffloads& offloads);

}  // namespace weave

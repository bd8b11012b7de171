// What the engine asks the kernel for, answered by the fuzzer: frames of the TAP, datagrams of the socket, their errors, the time.
// The linker puts it in place of the system calls (--wrap, scripts/build-native.sh).
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

namespace weave {

using Bytes = std::vector<uint8_t>;

// A message as recvmmsg gives it: several datagrams of `stride` bytes, the last may be shorter; 0: one.
struct Message {
  Bytes bytes;
  int stride = 0;
  uint16_t port = 0;  // of 127.0.0.1, that it comes from
};

struct FuzzKernel {
  int tap = -1, udp = -1;
  std::deque<Bytes> frames;       // that the TAP gives
  std::deque<Message> messages;   // that the socket gives
  std::vector<Bytes> sent;        // datagrams that the socket was given and took
  int send_error = 0, write_error = 0;  // errno of those calls, from now on; 0: they do
  int sends_taken = 0;            // trains that one call takes; 0: all
  int longest_sent = 0;           // that a datagram may be at the moment; 0: not looked at
  int64_t now_ms = 1;
  // Bytes of the lane's slab: those beyond what came are not to be touched.
  uint8_t* slab = nullptr;

  void forget();
};

extern FuzzKernel kernel;

// Says what is wrong, and ends.
[[noreturn]] void fault(const char* what);

}  // namespace weave

#include "fuzz-kernel.h"

#include <netinet/in.h>
#include <sanitizer/asan_interface.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../../native/bytes.h"
#include "../../native/constants.h"
#include "../../native/udp.h"
#include "frames.h"

using namespace weave;

namespace weave {

FuzzKernel kernel;

namespace {

constexpr size_t SENT_MAX = 512;  // that are kept

void take_sent(const uint8_t* bytes, size_t length, bool counted) {
  if (counted && static_cast<int>(length) < DATAGRAM_BYTES_MIN) fault("a datagram is sent that is too short");
  if (length > static_cast<size_t>(UDP_PAYLOAD_MAX)) fault("a datagram is sent that is too long for UDP");
  if (kernel.longest_sent > 0 && static_cast<int>(length) > kernel.longest_sent) fault("a datagram is sent that is too long for its path");
  if (kernel.sent.size() < SENT_MAX) kernel.sent.emplace_back(bytes, bytes + length);
}

Bytes gathered(const iovec* parts, size_t count) {
  Bytes all;
  for (size_t i = 0; i < count; i++) {
    const auto* from = static_cast<const uint8_t*>(parts[i].iov_base);
    all.insert(all.end(), from, from + parts[i].iov_len);
  }
  return all;
}

// The datagrams of one train.
void send_train(const msghdr& header) {
  Bytes all = gathered(header.msg_iov, header.msg_iovlen);
  size_t size = all.size();
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(const_cast<msghdr*>(&header), control)) {
    if (control->cmsg_type == UDP_SEGMENT_OPTION) size = le16(CMSG_DATA(control));
  }
  if (size == 0 || all.size() > static_cast<size_t>(UDP_PAYLOAD_MAX)) fault("a train of nothing, or one that is too long");
  if ((all.size() + size - 1) / size > static_cast<size_t>(TRAIN_MAX)) fault("a train of too many datagrams");
  for (size_t at = 0; at < all.size(); at += size) take_sent(all.data() + at, size < all.size() - at ? size : all.size() - at, true);
}

int refused(int error) {
  errno = error;
  return -1;
}

int take_written(const Bytes& bytes) {
  const char* wrong = fault_of_written(bytes.data(), static_cast<int>(bytes.size()));
  if (wrong != nullptr) fault(wrong);
  return kernel.write_error != 0 ? refused(kernel.write_error) : static_cast<int>(bytes.size());
}

}  // namespace

void FuzzKernel::forget() {
  frames.clear();
  messages.clear();
  sent.clear();
  send_error = write_error = sends_taken = longest_sent = 0;
}

void fault(const char* what) {
  fprintf(stderr, "fuzz-engine: %s\n", what);
  abort();
}

}  // namespace weave

extern "C" {

ssize_t __real_read(int descriptor, void* out, size_t bytes);
ssize_t __real_write(int descriptor, const void* bytes, size_t length);
ssize_t __real_writev(int descriptor, const iovec* parts, int count);
int __real_recvmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags, timespec* timeout);
int __real_sendmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags);
ssize_t __real_sendto(int descriptor, const void* bytes, size_t length, int flags, const sockaddr* to, socklen_t to_bytes);
int __real_clock_gettime(clockid_t clock, timespec* now);

ssize_t __wrap_read(int descriptor, void* out, size_t bytes) {
  if (descriptor != kernel.tap || kernel.slab == nullptr) return __real_read(descriptor, out, bytes);
  if (kernel.frames.empty()) return refused(EAGAIN);
  Bytes frame = std::move(kernel.frames.front());
  kernel.frames.pop_front();
  size_t length = frame.size() < bytes ? frame.size() : bytes;
  auto* to = static_cast<uint8_t*>(out);
  ASAN_UNPOISON_MEMORY_REGION(to, length);
  if (length > 0) memcpy(to, frame.data(), length);
  // As if nothing were behind it.
  ASAN_POISON_MEMORY_REGION(to + length, static_cast<size_t>(kernel.slab + SLAB_BYTES - to) - length);
  return static_cast<ssize_t>(length);
}

int __wrap_recvmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  if (descriptor != kernel.udp || kernel.slab == nullptr) return __real_recvmmsg(descriptor, messages, count, flags, timeout);
  ASAN_UNPOISON_MEMORY_REGION(kernel.slab, SLAB_BYTES);
  unsigned given = 0;
  for (; given < count && !kernel.messages.empty(); given++) {
    Message message = std::move(kernel.messages.front());
    kernel.messages.pop_front();
    msghdr& header = messages[given].msg_hdr;
    auto* to = static_cast<uint8_t*>(header.msg_iov[0].iov_base);
    size_t room = header.msg_iov[0].iov_len, length = message.bytes.size() < room ? message.bytes.size() : room;
    if (length > 0) memcpy(to, message.bytes.data(), length);
    ASAN_POISON_MEMORY_REGION(to + length, room - length);
    messages[given].msg_len = static_cast<unsigned>(length);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(message.port);
    address.sin6_addr.s6_addr[10] = address.sin6_addr.s6_addr[11] = 0xff;
    address.sin6_addr.s6_addr[12] = 127;
    address.sin6_addr.s6_addr[15] = 1;
    memcpy(header.msg_name, &address, sizeof address);
    header.msg_namelen = sizeof address;
    if (message.stride == 0) {
      header.msg_controllen = 0;
      continue;
    }
    auto* control = static_cast<cmsghdr*>(header.msg_control);
    control->cmsg_len = CMSG_LEN(sizeof(int));
    control->cmsg_level = SOL_UDP_LEVEL;
    control->cmsg_type = UDP_GRO_OPTION;
    memcpy(CMSG_DATA(control), &message.stride, sizeof(int));
    header.msg_controllen = CMSG_SPACE(sizeof(int));
  }
  return given == 0 ? refused(EAGAIN) : static_cast<int>(given);
}

int __wrap_sendmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags) {
  if (descriptor != kernel.udp || kernel.slab == nullptr) return __real_sendmmsg(descriptor, messages, count, flags);
  // A kernel that refuses trains takes single datagrams.
  if (kernel.send_error != 0) return refused(kernel.send_error);
  unsigned taken = kernel.sends_taken > 0 && static_cast<unsigned>(kernel.sends_taken) < count ? static_cast<unsigned>(kernel.sends_taken) : count;
  for (unsigned i = 0; i < taken; i++) send_train(messages[i].msg_hdr);
  return static_cast<int>(taken);
}

ssize_t __wrap_sendto(int descriptor, const void* bytes, size_t length, int flags, const sockaddr* to, socklen_t to_bytes) {
  if (descriptor != kernel.udp || kernel.slab == nullptr) return __real_sendto(descriptor, bytes, length, flags, to, to_bytes);
  take_sent(static_cast<const uint8_t*>(bytes), length, true);
  return static_cast<ssize_t>(length);
}

ssize_t __wrap_write(int descriptor, const void* bytes, size_t length) {
  if (descriptor != kernel.tap || kernel.slab == nullptr) return __real_write(descriptor, bytes, length);
  const auto* from = static_cast<const uint8_t*>(bytes);
  return take_written(Bytes(from, from + length));
}

ssize_t __wrap_writev(int descriptor, const iovec* parts, int count) {
  if (descriptor != kernel.tap || kernel.slab == nullptr) return __real_writev(descriptor, parts, count);
  return take_written(gathered(parts, static_cast<size_t>(count)));
}

int __wrap_clock_gettime(clockid_t clock, timespec* now) {
  if (clock != CLOCK_MONOTONIC_COARSE || kernel.slab == nullptr) return __real_clock_gettime(clock, now);
  now->tv_sec = kernel.now_ms / 1000;
  now->tv_nsec = kernel.now_ms % 1000 * 1'000'000;
  return 0;
}

}  // extern "C"

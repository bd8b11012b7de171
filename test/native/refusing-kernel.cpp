// Loaded ahead of the C library (LD_PRELOAD): a kernel that refuses offloads. What it refuses is in the environment, as "ERRNO" or
// "ERRNO TAKEN": only once it has taken so many.
//
//   REFUSE_TRAINS        datagrams by UDP_SEGMENT, as a device without checksum offload (EIO, before Linux 6.11)
//   REFUSE_SUPER_FRAMES  super-frames of datagrams that are written to a TAP
//   REFUSE_USO           to give a TAP's reader such, as Linux before 6.2 (EINVAL)
//   REFUSE_GRO           to give trains to a socket's reader
#include <dlfcn.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int SOL_UDP_LEVEL = 17, UDP_SEGMENT_OPTION = 103, UDP_GRO_OPTION = 104;
constexpr int TUN_MAJOR = 10, TUN_MINOR = 200;
constexpr unsigned char VNET_GSO_UDP_L4 = 5;
constexpr unsigned long OFFLOAD_USO = 0x20 | 0x40;

struct Refusal {
  const char* name;
  std::atomic<int> taken{0};
};
Refusal trains{"REFUSE_TRAINS"}, super_frames{"REFUSE_SUPER_FRAMES"}, uso{"REFUSE_USO"}, gro{"REFUSE_GRO"};

// Sets errno where it does.
bool refuses(Refusal& what) {
  const char* text = getenv(what.name);
  int error = 0, taken = 0;
  if (text == nullptr || sscanf(text, "%d %d", &error, &taken) < 1) return false;
  if (what.taken.load() < taken) return what.taken++, false;
  errno = error;
  return true;
}

template <typename Call>
Call next(const char* name) { return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name)); }

bool is_train(const msghdr* header) {
  for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(const_cast<msghdr*>(header), control))
    if (control->cmsg_level == SOL_UDP_LEVEL && control->cmsg_type == UDP_SEGMENT_OPTION) return true;
  return false;
}

bool is_super_frame(int descriptor, const void* vnet, size_t bytes) {
  struct stat facts;
  return bytes >= 2 && static_cast<const unsigned char*>(vnet)[1] == VNET_GSO_UDP_L4 && fstat(descriptor, &facts) == 0 &&
         S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(TUN_MAJOR, TUN_MINOR);
}

}  // namespace

extern "C" {

int sendmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags) {
  static const auto real = next<int (*)(int, mmsghdr*, unsigned, int)>("sendmmsg");
  for (unsigned i = 0; i < count; i++)
    if (is_train(&messages[i].msg_hdr) && refuses(trains)) return i == 0 ? -1 : real(descriptor, messages, i, flags);
  return real(descriptor, messages, count, flags);
}

ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  static const auto real = next<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  return is_train(message) && refuses(trains) ? -1 : real(descriptor, message, flags);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return is_super_frame(descriptor, bytes, count) && refuses(super_frames) ? -1 : real(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
  bool is_super = count > 0 && is_super_frame(descriptor, parts[0].iov_base, parts[0].iov_len);
  return is_super && refuses(super_frames) ? -1 : real(descriptor, parts, count);
}

int setsockopt(int descriptor, int level, int name, const void* value, socklen_t bytes) noexcept {
  static const auto real = next<int (*)(int, int, int, const void*, socklen_t)>("setsockopt");
  bool is_gro = level == SOL_UDP_LEVEL && name == UDP_GRO_OPTION;
  return is_gro && refuses(gro) ? -1 : real(descriptor, level, name, value, bytes);
}

int ioctl(int descriptor, unsigned long request, ...) noexcept {
  static const auto real = next<int (*)(int, unsigned long, unsigned long)>("ioctl");
  va_list rest;
  va_start(rest, request);
  unsigned long argument = va_arg(rest, unsigned long);
  va_end(rest);
  bool is_uso = request == TUNSETOFFLOAD && (argument & OFFLOAD_USO) != 0;
  return is_uso && refuses(uso) ? -1 : real(descriptor, request, argument);
}

}

// The least that carrying datagrams between two TAPs costs: what weave-ts does with them, without sealing, peers or switch.
//
//     floor TAP LOCAL_IP REMOTE_IP
//
// Reads what is there, joins datagrams of one flow to what fits a path of 1,500 bytes, sends trains; at the other end takes
// trains, and writes super-frames. Nothing is checked: for a benchmark between own namespaces only. TCP goes frame by frame.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr int PORT = 6783, VNET = 10, HEADER = 42, DATAGRAM_MAX = 1472, BATCH = 32, TRAIN_MAX = 44, JOINED_MAX = 64;
constexpr int MESSAGES = 16, MESSAGE_BYTES = 65536, GRO = 104, SEGMENT = 103;
constexpr uint8_t GSO_UDP = 5;

struct Pair { int tap, socket; };

[[noreturn]] void fail(const char* step) {
  perror(step);
  exit(1);
}

int be16(const uint8_t* at) { return at[0] << 8 | at[1]; }
void put16(uint8_t* at, int value) { at[0] = static_cast<uint8_t>(value >> 8), at[1] = static_cast<uint8_t>(value); }

int sum(const uint8_t* at, int bytes, uint32_t total) {
  for (int i = 0; i < bytes; i += 2) total += static_cast<uint32_t>(be16(at + i));
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return static_cast<int>(total);
}

// A datagram over IPv4 whose checksum is open, alone or joined; `at`: its vnet header.
bool is_datagram(const uint8_t* at, int bytes) {
  const uint8_t* frame = at + VNET;
  return bytes > VNET + HEADER && at[0] == 1 && (at[1] == 0 || at[1] == GSO_UDP) && be16(frame + 12) == 0x0800 && frame[14] == 0x45 &&
         frame[23] == 17;
}

bool same_flow(const uint8_t* a, const uint8_t* b) {
  return memcmp(a + VNET, b + VNET, 16) == 0 && memcmp(a + VNET + 26, b + VNET + 26, 12) == 0;
}

int size_of(const uint8_t* at, int bytes) { return at[1] == GSO_UDP ? at[4] | at[5] << 8 : bytes - VNET - HEADER; }

// Headers of `payload` bytes in datagrams of `size`.
void finish(uint8_t* at, int payload, int size) {
  uint8_t *ip = at + VNET + 14, *udp = ip + 20;
  at[1] = payload > size ? GSO_UDP : 0;
  at[2] = HEADER;
  at[4] = static_cast<uint8_t>(size), at[5] = static_cast<uint8_t>(size >> 8);
  put16(ip + 2, 28 + payload);
  put16(ip + 10, 0);
  put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
  put16(udp + 4, 8 + payload);
  put16(udp + 6, sum(ip + 12, 8, static_cast<uint32_t>(17 + 8 + payload)));
}

void wait_for(int descriptor) {
  pollfd one{descriptor, POLLIN, 0};
  while (poll(&one, 1, -1) < 0) continue;
}

// Trains of datagrams of one size.
void send_all(int socket, uint8_t* out, const std::vector<int>& lengths) {
  mmsghdr messages[BATCH] = {};
  iovec parts[BATCH];
  alignas(cmsghdr) uint8_t controls[BATCH][CMSG_SPACE(2)] = {};
  size_t count = 0;
  for (size_t i = 0; i < lengths.size();) {
    size_t first = i;
    int bytes = 0;
    while (i < lengths.size() && i - first < TRAIN_MAX && lengths[i] <= lengths[first]) {
      bytes += lengths[i++];
      if (lengths[i - 1] < lengths[first]) break;
    }
    parts[count] = {out, static_cast<size_t>(bytes)};
    msghdr& header = messages[count].msg_hdr;
    header.msg_iov = &parts[count];
    header.msg_iovlen = 1;
    if (i - first > 1) {
      header.msg_control = controls[count];
      header.msg_controllen = sizeof controls[count];
      cmsghdr* control = CMSG_FIRSTHDR(&header);
      control->cmsg_len = CMSG_LEN(2), control->cmsg_level = IPPROTO_UDP, control->cmsg_type = SEGMENT;
      uint16_t size = static_cast<uint16_t>(lengths[first]);
      memcpy(CMSG_DATA(control), &size, 2);
    }
    out += bytes;
    count++;
  }
  sendmmsg(socket, messages, static_cast<unsigned>(count), MSG_DONTWAIT);
}

void outward(Pair pair) {
  static uint8_t out[BATCH * 2048], in[65600];
  std::vector<int> lengths;
  for (;;) {
    uint8_t *end = out, *open = nullptr;
    lengths.clear();
    auto close_open = [&] {
      if (open == nullptr) return;
      finish(open, static_cast<int>(end - open) - VNET - HEADER, size_of(open, 0));
      lengths.push_back(static_cast<int>(end - open));
      open = nullptr;
    };
    for (int i = 0; i < BATCH; i++) {
      ssize_t got = read(pair.tap, in, sizeof in);
      if (got <= VNET + 14 || got > DATAGRAM_MAX) break;
      int bytes = static_cast<int>(got), size = size_of(in, bytes);
      bool joins = is_datagram(in, bytes) && in[1] == 0;
      if (open != nullptr && joins && size == size_of(open, 0) && same_flow(open, in) && end - open + size <= DATAGRAM_MAX) {
        memcpy(end, in + VNET + HEADER, static_cast<size_t>(size));
        end += size;
        continue;
      }
      close_open();
      memcpy(end, in, static_cast<size_t>(bytes));
      if (joins) {
        open = end;
        open[1] = GSO_UDP, open[4] = static_cast<uint8_t>(size), open[5] = static_cast<uint8_t>(size >> 8);
      } else {
        lengths.push_back(bytes);
      }
      end += bytes;
    }
    close_open();
    if (lengths.empty()) wait_for(pair.tap);
    else send_all(pair.socket, out, lengths);
  }
}

void inward(Pair pair) {
  static uint8_t slab[MESSAGES * MESSAGE_BYTES];
  static iovec parts[MESSAGES], write_parts[JOINED_MAX + 1];
  static mmsghdr messages[MESSAGES];
  alignas(cmsghdr) static uint8_t controls[MESSAGES][64];
  for (;;) {
    for (int i = 0; i < MESSAGES; i++) {
      parts[i] = {slab + i * MESSAGE_BYTES, MESSAGE_BYTES};
      messages[i].msg_hdr = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_control = controls[i];
      messages[i].msg_hdr.msg_controllen = sizeof controls[i];
    }
    int count = recvmmsg(pair.socket, messages, MESSAGES, MSG_DONTWAIT, nullptr);
    if (count <= 0) {
      wait_for(pair.socket);
      continue;
    }
    uint8_t* open = nullptr;
    int used = 0, payload = 0, joined = 0, size = 0;
    auto write_open = [&] {
      if (open == nullptr) return;
      finish(open, payload, size);
      if (writev(pair.tap, write_parts, used) < 0) perror("writev");
      open = nullptr;
    };
    for (int i = 0; i < count; i++) {
      int bytes = static_cast<int>(messages[i].msg_len), stride = bytes;
      for (cmsghdr* control = CMSG_FIRSTHDR(&messages[i].msg_hdr); control != nullptr;
           control = CMSG_NXTHDR(&messages[i].msg_hdr, control)) {
        if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == GRO) memcpy(&stride, CMSG_DATA(control), sizeof stride);
      }
      uint8_t* message = slab + i * MESSAGE_BYTES;
      for (int at = 0; at < bytes; at += stride) {
        uint8_t* one = message + at;
        int length = stride < bytes - at ? stride : bytes - at;
        if (!is_datagram(one, length)) {
          write_open();
          if (length > VNET && write(pair.tap, one, static_cast<size_t>(length)) < 0) perror("write");
          continue;
        }
        int own = size_of(one, length), its_payload = length - VNET - HEADER, its_count = (its_payload + own - 1) / own;
        if (open != nullptr && own == size && payload % size == 0 && joined + its_count <= JOINED_MAX && same_flow(open, one)) {
          write_parts[used++] = {one + VNET + HEADER, static_cast<size_t>(its_payload)};
          payload += its_payload;
          joined += its_count;
          continue;
        }
        write_open();
        open = one;
        write_parts[0] = {one, static_cast<size_t>(length)};
        used = 1, payload = its_payload, joined = its_count, size = own;
      }
    }
    write_open();
  }
}

int open_tap(const char* name) {
  int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  ifreq request{};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  // Checksums only: what the kernel would cut later is left to it.
  if (ioctl(tap, TUNSETOFFLOAD, 1UL) != 0) fail("TUNSETOFFLOAD");
  return tap;
}

int open_socket(const char* local, const char* remote) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1, buffer = 1 << 20;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(PORT);
  if (inet_pton(AF_INET, local, &address.sin_addr) != 1) fail(local);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (inet_pton(AF_INET, remote, &address.sin_addr) != 1) fail(remote);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  setsockopt(descriptor, IPPROTO_UDP, GRO, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  return descriptor;
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    fprintf(stderr, "floor: TAP LOCAL_IP REMOTE_IP\n");
    return 2;
  }
  Pair pair{open_tap(words[1]), open_socket(words[2], words[3])};
  std::thread out(outward, pair);
  inward(pair);
}

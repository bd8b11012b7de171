// What the packet engine costs for one datagram, beside the bare calls of OpenSSL: two engines in one thread, over UDP of the
// loopback device; the bridge of each is a pair of sockets.
//   micro                                all cases: name, cipher, payload bytes, median and least ns for each datagram
//   micro CASE CIPHER BYTES BATCHES      one case so often, for a profiler; prints how many datagrams it was
// BYTES: of UDP in the frame. Under callgrind only what is measured is counted (--collect-atstart=no).
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "bytes.h"
#include "engine.h"
#include "lane.h"
#include "origin.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

using namespace weave;

namespace {

constexpr int BATCH = 32;
constexpr int ETHERNET = 14, IPV4 = 20, UDP = 8;
constexpr int CHECKSUM_AT = 6;  // in the header of UDP
constexpr int REPEATS = 25;
constexpr double REPEAT_NS = 4e6;
constexpr int PIPE_BYTES = 4 << 20;
constexpr uint8_t LOOPBACK[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};

[[noreturn]] void fail(const char* what) {
  fprintf(stderr, "micro: %s\n", what);
  exit(1);
}

void check(bool holds, const char* what) {
  if (!holds) fail(what);
}

// A frame with a UDP packet in it, as a container's kernel leaves it: the checksum of UDP is that of the pseudo-header.
std::vector<uint8_t> frame_of(int payload) {
  std::vector<uint8_t> frame(static_cast<size_t>(ETHERNET + IPV4 + UDP + payload), 0x55);
  static constexpr uint8_t MACS[ETHERNET] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
  memcpy(frame.data(), MACS, ETHERNET);
  uint8_t* ip = frame.data() + ETHERNET;
  memset(ip, 0, IPV4 + UDP);
  ip[0] = 0x45;
  put_be16(ip + 2, static_cast<uint16_t>(IPV4 + UDP + payload));
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = 17;
  put_be32(ip + 12, 0x0a200001);
  put_be32(ip + 16, 0x0a200002);
  put_be16(ip + 10, static_cast<uint16_t>(~fold16(sum16(ip, IPV4))));
  uint8_t* udp = ip + IPV4;
  put_be16(udp, 40000);
  put_be16(udp + 2, 40001);
  put_be16(udp + 4, static_cast<uint16_t>(UDP + payload));
  put_be16(udp + 6, fold16(sum16(ip + 12, 8) + 17 + static_cast<uint32_t>(UDP + payload)));
  return frame;
}

// One engine with a lane, a peer and a session.
struct Side {
  int bridge = -1;
  std::shared_ptr<Engine> engine;
  std::vector<uint8_t> slab = std::vector<uint8_t>(SLAB_BYTES);
  std::vector<int32_t> rows = std::vector<int32_t>(static_cast<size_t>(ROWS_MAX) * ROW_COLUMNS);
  std::vector<int32_t> sends = std::vector<int32_t>(static_cast<size_t>(SENDS_MAX) * SEND_COLUMNS);
  std::vector<int32_t> ways = std::vector<int32_t>(WAYS_NUMBERS);
  std::vector<int32_t> deliveries = std::vector<int32_t>(ROWS_MAX);
  std::unique_ptr<Lane> lane;

  explicit Side(uint8_t self) {
    int pair[2], size = PIPE_BYTES;
    check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "socketpair");
    for (int fd : pair) setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    bridge = pair[0];
    fcntl(bridge, F_SETFL, O_NONBLOCK);
    EngineOptions options;
    options.tap_descriptor = pair[1];
    options.has_address = true;
    memcpy(options.address, LOOPBACK, 16);
    Failure failure;
    engine = Engine::open(options, failure);
    check(engine != nullptr, failure.step);
    uint8_t id[8] = {self};
    engine->set_self(id);
    lane = std::make_unique<Lane>(engine, engine->take_slot(), slab.data(), rows.data(), sends.data(), ways.data(),
                                  deliveries.data());
  }
  ~Side() { close(bridge); }

  void acquaint(const Side& other, uint8_t self, Cipher cipher) {
    uint8_t id[8] = {static_cast<uint8_t>(1 - self)}, keys[2][32];
    memset(keys[0], 7, 32);
    memset(keys[1], 8, 32);
    engine->set_peer(1, id);
    check(engine->add_session(std::make_unique<Session>(1, 10u + self, 11u - self, cipher, keys[self], keys[1 - self], 0)) == nullptr, "session");
    engine->seal_with(1, 10u + self);
    Endpoint endpoint;
    memcpy(endpoint.ip, LOOPBACK, 16);
    endpoint.port = other.engine->udp.port;
    endpoint.is_set = true;
    engine->set_endpoint(1, endpoint);
    engine->set_path_bytes(1, 1472, false, true);
  }
};

// A case: what is made ready, and what is measured; both for a batch. `run` returns of how many datagrams.
class Case {
 public:
  virtual ~Case() = default;
  virtual void ready() {}
  virtual int run() = 0;
};

constexpr int BODY_AT = DATAGRAM_HEADER;

class Bare : public Case {
 public:
  Bare(Cipher cipher, int payload, bool sealing)
      : length_(ETHERNET + IPV4 + UDP + payload + FRAME_HEADER), sealing_(sealing), context_(EVP_CIPHER_CTX_new()) {
    const EVP_CIPHER* kind = cipher == Cipher::aes256gcm ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
    uint8_t key[32] = {7}, nonce[12] = {};
    buffer_.resize(static_cast<size_t>(BODY_AT + length_ + DATAGRAM_TAG));
    EVP_CIPHER_CTX* sealer = EVP_CIPHER_CTX_new();
    check(EVP_EncryptInit_ex(sealer, kind, nullptr, key, nonce) == 1, "EVP_EncryptInit_ex");
    check(seal(sealer), "seal");
    sealed_ = buffer_;
    EVP_CIPHER_CTX_free(sealer);
    check((sealing ? EVP_EncryptInit_ex : EVP_DecryptInit_ex)(context_, kind, nullptr, key, nonce) == 1, "init");
  }
  ~Bare() override { EVP_CIPHER_CTX_free(context_); }
  int run() override {
    for (int i = 0; i < BATCH; i++) {
      if (!sealing_) memcpy(buffer_.data(), sealed_.data(), sealed_.size());
      check(sealing_ ? seal(context_) : open(), "the bare call");
    }
    return BATCH;
  }

 private:
  bool seal(EVP_CIPHER_CTX* context) {
    uint8_t nonce[12] = {}, *data = buffer_.data();
    int done = 0, rest = 0;
    return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce) == 1 &&
           EVP_EncryptUpdate(context, nullptr, &done, data, BODY_AT) == 1 &&
           EVP_EncryptUpdate(context, data + BODY_AT, &done, data + BODY_AT, length_) == 1 &&
           EVP_EncryptFinal_ex(context, data + BODY_AT + done, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, data + BODY_AT + length_) == 1;
  }
  bool open() {
    uint8_t nonce[12] = {}, last[16], *data = buffer_.data();
    int done = 0, rest = 0;
    return EVP_DecryptInit_ex(context_, nullptr, nullptr, nullptr, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, 16, data + BODY_AT + length_) == 1 &&
           EVP_DecryptUpdate(context_, nullptr, &done, data, BODY_AT) == 1 &&
           EVP_DecryptUpdate(context_, data + BODY_AT, &done, data + BODY_AT, length_) == 1 &&
           EVP_DecryptFinal_ex(context_, last, &rest) == 1;
  }
  const int length_;
  const bool sealing_;
  EVP_CIPHER_CTX* const context_;
  std::vector<uint8_t> buffer_, sealed_;
};

class Alone : public Case {
 public:
  Alone(Cipher cipher, int payload, bool sealing)
      : length_(ETHERNET + IPV4 + UDP + payload + FRAME_HEADER), sealing_(sealing) {
    uint8_t key[32] = {7};
    session_ = std::make_unique<Session>(1, 10, 11, cipher, key, key, 0);
    buffer_.resize(static_cast<size_t>(DATAGRAM_HEADER + length_ + DATAGRAM_TAG));
    check(session_->seal(1, buffer_.data(), length_), "seal");
    sealed_ = buffer_;
  }
  int run() override {
    for (int i = 0; i < BATCH; i++) {
      // The counter of the one that was sealed; a replay is looked for elsewhere.
      if (!sealing_) memcpy(buffer_.data(), sealed_.data(), sealed_.size());
      check(sealing_ ? session_->seal(1, buffer_.data(), length_)
                     : session_->open(1, 0, buffer_.data(), static_cast<int>(buffer_.size())), "the session");
    }
    return BATCH;
  }

 private:
  const int length_;
  const bool sealing_;
  std::unique_ptr<Session> session_;
  std::vector<uint8_t> buffer_, sealed_;
};

// How far a batch goes on its way from one bridge to the other; the last stage is what is measured.
enum Stage { TAP_READ, SEND, RECEIVE, TAP_WRITE };

class Passage : public Case {
 public:
  Passage(Cipher cipher, int payload, Stage last) : last_(last), from_(0), to_(1) {
    from_.acquaint(to_, 0, cipher);
    to_.acquaint(from_, 1, cipher);
    frame_.assign(VNET_HEADER, 0);
    frame_[0] = VNET_NEEDS_CSUM;
    put_le16(frame_.data() + 6, ETHERNET + IPV4);
    put_le16(frame_.data() + 8, CHECKSUM_AT);
    std::vector<uint8_t> bytes = frame_of(payload);
    frame_.insert(frame_.end(), bytes.begin(), bytes.end());
    scratch_.resize(FRAME_MAX + VNET_HEADER);
  }
  void ready() override {
    while (read(to_.bridge, scratch_.data(), scratch_.size()) > 0) {}
    while (to_.lane->udp_read() >= 0) {}
    for (int i = 0; i < BATCH; i++) check(write(from_.bridge, frame_.data(), frame_.size()) > 0, "the bridge is full");
    if (last_ > TAP_READ) tap_read();
    if (last_ > SEND) send();
    if (last_ > RECEIVE) received_ = receive();
    if (last_ == RECEIVE) check((to_.lane->wait(READY_UDP, 1000) & READY_UDP) != 0, "nothing came");
  }
  int run() override {
    switch (last_) {
      case TAP_READ: return tap_read();
      case SEND: return send();
      case RECEIVE: return receive();
      default: {
        for (int i = 0; i < received_; i++) to_.deliveries[static_cast<size_t>(i)] = i;
        check(to_.lane->tap_write(received_) == received_, "the bridge did not take them");
        return received_;
      }
    }
  }

 private:
  int tap_read() {
    int error = 0;
    check(from_.lane->tap_read(error) == BATCH, "the bridge gave fewer frames");
    return BATCH;
  }
  int send() {
    for (int i = 0; i < BATCH; i++) {
      int32_t* one = from_.sends.data() + i * SEND_COLUMNS;
      one[SEND_ROW] = i;
      one[SEND_PEER] = 1;
      one[SEND_KIND] = KIND_FRAME;
    }
    check(from_.lane->send(BATCH) == BATCH, "the socket took fewer datagrams");
    return BATCH;
  }
  // As many as one reading gives: all, where the kernel joins them.
  int receive() {
    int rows = to_.lane->udp_read();
    check(rows > 0, "no datagram came");
    return rows;
  }
  const Stage last_;
  Side from_, to_;
  int received_ = 0;
  std::vector<uint8_t> frame_, scratch_;
};

struct Known {
  const char* name;
  std::unique_ptr<Case> (*make)(Cipher, int);
};

template <typename Kind, auto how>
std::unique_ptr<Case> make(Cipher cipher, int payload) {
  return std::make_unique<Kind>(cipher, payload, how);
}

constexpr Known CASES[] = {
    {"openssl-seal", make<Bare, true>}, {"seal", make<Alone, true>},
    {"openssl-open", make<Bare, false>}, {"open", make<Alone, false>},
    {"tap-read", make<Passage, TAP_READ>}, {"send", make<Passage, SEND>},
    {"receive", make<Passage, RECEIVE>}, {"tap-write", make<Passage, TAP_WRITE>},
};
struct Named {
  const char* name;
  Cipher cipher;
};
constexpr Named CIPHERS[] = {{"aes-256-gcm", Cipher::aes256gcm}, {"chacha20-poly1305", Cipher::chacha20poly1305}};
constexpr int PAYLOADS[] = {64, 1200};

// Processor time of this thread: what others do meanwhile is not in it.
double now_ns() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Nanoseconds for each datagram.
double once(Case& one) {
  double spent = 0;
  long count = 0;
  while (spent < REPEAT_NS) {
    one.ready();
    double began = now_ns();
    count += one.run();
    spent += now_ns() - began;
  }
  return spent / static_cast<double>(count);
}

void profile(Case& one, int batches) {
  long count = 0;
  // The first makes contexts, and touches memory.
  one.ready();
  one.run();
  for (int i = 0; i < batches; i++) {
    one.ready();
    CALLGRIND_TOGGLE_COLLECT;
    count += one.run();
    CALLGRIND_TOGGLE_COLLECT;
  }
  printf("%ld\n", count);
}

}  // namespace

int main(int argc, char** argv) {
  const char* wrong = aead_load();
  if (wrong == nullptr) wrong = origin_load();
  if (wrong != nullptr) fail(wrong);
  if (argc == 5) {
    for (const Known& known : CASES)
      for (const Named& cipher : CIPHERS)
        if (strcmp(known.name, argv[1]) == 0 && strcmp(cipher.name, argv[2]) == 0)
          return profile(*known.make(cipher.cipher, atoi(argv[3])), atoi(argv[4])), 0;
    fail("no such case or cipher");
  }
  printf("openssl %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
  for (const Known& known : CASES)
    for (const Named& cipher : CIPHERS)
      for (int payload : PAYLOADS) {
        auto one = known.make(cipher.cipher, payload);
        once(*one);
        std::vector<double> values;
        for (int i = 0; i < REPEATS; i++) values.push_back(once(*one));
        std::sort(values.begin(), values.end());
        printf("%s %s %d %.1f %.1f\n", known.name, cipher.name, payload, values[REPEATS / 2], values[0]);
        fflush(stdout);
      }
  return 0;
}

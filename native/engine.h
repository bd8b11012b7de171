// One packet engine: the TAP, the socket, the peers and sessions. Shared by the control side and the lanes of all threads.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bundles.h"
#include "counters.h"
#include "icmp.h"
#include "kernel-drops.h"
#include "reassembly.h"
#include "rwlock.h"
#include "session-table.h"
#include "tap-queues.h"
#include "tap.h"
#include "udp.h"

namespace weave {

class Sender;

struct EngineOptions {
  std::string tap_name;
  int tap_descriptor = -1;  // takes it over in place of opening a TAP
  bool has_address = false;
  uint8_t address[16] = {};
  uint16_t port = 0;
  TapOffloads tap_offloads;
  bool udp_gso = true, udp_gro = true;
};

class Engine {
 public:
  static std::shared_ptr<Engine> open(const EngineOptions& options, Failure& failure);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Control side. `add_session` returns null, or why not.
  void set_self(const uint8_t short_id[8]);
  void set_peer(int index, const uint8_t short_id[8]);
  void remove_peer(int index);
  const char* add_session(std::unique_ptr<Session> session);
  void remove_session(uint32_t receiver_index);
  void seal_with(int peer, uint32_t receiver_index);
  void set_endpoint(int peer, const Endpoint& endpoint);
  void set_path_bytes(int peer, int bytes, bool found, bool trains);
  void set_bridge_addresses(const BridgeAddresses& addresses);
  void set_clamping(bool on) { clamps = on; }
  void set_joining(int peer, int on);
  void set_via(int peer, int via);
  void set_spare(int peer, int spare);
  void set_origin_keys(int peer, const uint8_t to[16], const uint8_t from[16]);
  bool send_control(uint32_t receiver_index, const uint8_t* body, int length, const Endpoint* endpoint, int copies);
  // Test datagrams to where the peer's frames go: `body` as control datagrams, each with its number. Returns how many left.
  // `raw`: as they are, to the endpoint of a peer that is reached directly.
  int send_measured(int peer, const uint8_t* body, int length, uint32_t first, int count, bool raw);
  bool session_totals(uint32_t receiver_index, uint64_t totals[4]);
  // Datagrams that came over a link: the lane that reads the socket opens them, as from no endpoint. False: no bundle.
  bool inject(int neighbour, const uint8_t* bundle, int length);
  uint64_t counter(int index) const;
  // Adds to the counters what the kernel dropped since the last call.
  void note_kernel_drops();
  void wake();
  bool set_offload(const std::string& name, bool on);

  // Lane side.
  int take_slot();  // -1 when all are taken
  void release_slot(int slot);

  RwLock lock;          // guards `table`, `self`, `has_self` and `bridge`
  SessionTable table;
  uint8_t self[8] = {};
  bool has_self = false;
  BridgeAddresses bridge;
  std::atomic<bool> clamps{false};
  std::atomic<uint64_t> raw_token{0};  // of the test datagrams past all sessions that lanes take; 0: none
  std::atomic<uint32_t> next_fragment{0};
  std::mutex pieces_mutex;
  Reassembler pieces;   // guarded by `pieces_mutex`, which is taken last
  Handover handover;
  Intake intake;
  std::vector<int> taps;  // a descriptor for each queue of the TAP
  FlowQueues flow_queues;
  std::string tap_name;
  UdpSocket udp;
  TapOffloads tap_offloads;
  std::atomic<bool> udp_gso{true}, join_tcp{true}, join_udp{true};
  std::atomic<bool> join_udp_proved{false};  // the TAP has taken a super-frame of datagrams
  SelfTest udp_test = SelfTest::untested, tap_test = SelfTest::untested;
  Counters counters[LANES_MAX];
  int wake_descriptor[LANES_MAX];

 private:
  Engine();
  std::mutex slots_mutex_;
  bool slot_taken_[LANES_MAX] = {};
  std::mutex control_mutex_;
  std::unique_ptr<Sender> control_sender_;
  KernelDrops kernel_drops_;
};

}  // namespace weave

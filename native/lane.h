// One lane: the buffers of one thread, and the four batch calls of EngineLane (lib/overlay/packet-engine.ts).
#pragma once
#include <sys/socket.h>

#include <memory>

#include "coalesce.h"
#include "engine.h"
#include "sender.h"
#include "shortcuts.h"
#include "tap-queues.h"
#include "way.h"

namespace weave {

// Of the monotonic clock; `now_ms` as of the last tick.
int64_t now_ms();
int64_t now_us();

// Of a datagram with what has these flags of a row.
inline uint8_t class_of(int flags) { return (flags & FLAG_EXPEDITED) != 0 ? CLASS_EXPEDITED : CLASS_BULK; }

class Lane {
 public:
  // The five arrays belong to the caller, who keeps them alive.
  Lane(std::shared_ptr<Engine> engine, int slot, uint8_t* slab, int32_t* rows, int32_t* sends, int32_t* ways,
       int32_t* deliveries);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  int tap_read(int& error);  // `error`: the device is gone
  int udp_read();
  int send(int count);
  int tap_write(int count);
  const Endpoint* source(int row) const;
  // What has a shortcut goes on from here. What it read ahead for the switch is what `tap_read` or `udp_read` give next, and the
  // other of them has nothing before.
  int wait(int mask, int timeout_ms);
  // The words that `Witness` names stay where they are as long as the lane.
  void watch(const int32_t* words, size_t count) { shortcuts_.watch(words, count); }
  // What the switch decided of a row, which holds for others like it.
  void add_shortcut(int row, int peer, const Witness witness[2], int valid_ms, int large_ms);
  void forget_shortcuts() { shortcuts_.clear(); }
  void count(int counter, uint64_t by) { count_(counter, by); }
  // True when the main thread has to be told that datagrams wait for it.
  bool tell_handed() { return engine_->handover.tell(); }

 private:
  int look(int mask, int timeout_ms);
  bool watch_descriptors(int mask);
  int ask(int mask, int timeout_ms);
  void read_queue(int queue, int most, int bytes_most, int& used, int& error);
  bool carry(int mask, int ready, bool& more);
  bool send_by_shortcut(int rows, int64_t now);
  bool write_by_shortcut(int rows, int64_t now);
  void count_(int counter, uint64_t count = 1) { engine_->counters[slot_].add(counter, count); }
  int32_t* row_(int index) const { return rows_ + static_cast<size_t>(index) * ROW_COLUMNS; }
  bool row_frame(int row, Delivery& frame);
  void describe_frame(int32_t* row, const uint8_t* frame, int length, const FrameShape& shape);
  int read_expedited();
  int read_bulk();
  int read_messages(int descriptor, int first, int most);
  int open_messages(int first, int count);
  void receive_bundle(uint8_t* bundle, int length);
  void receive(uint8_t* datagram, int length, int message, Session* outer);
  void receive_frame(Session& session, uint8_t* plaintext, int length, int message, int flags);
  void receive_broadcast(Session& session, uint8_t* plaintext, int length, int message, int flags);
  void receive_relayed(Session& session, uint8_t* plaintext, int length, int message, int flags);
  void receive_control(Session& session, uint8_t* plaintext, int length, int message, int flags);
  bool add_frame(Session& session, uint8_t* frame, int length, const uint8_t* header, int message, int flags);
  void receive_raw(uint8_t* datagram, int length, int message);
  int32_t* new_row(int peer, uint32_t receiver_index, uint8_t* bytes, int length, int kind, int message, int flags);
  int32_t* new_row(Session& session, uint8_t* bytes, int length, int kind, int message, int flags);
  void receive_fragment(Session& session, const uint8_t* plaintext, int length, int message, int flags);
  // What goes before the frame: of a `frame`, or of a `broadcast` with the way of this copy.
  struct Prefix { const int32_t* send; bool broadcast; Way way; int bytes; };
  bool prefix_of(const int32_t* send, Prefix& prefix) const;
  void send_frame(const Prefix& prefix, const Delivery& frame, const Route& route);
  // Those that are to be sent and that the coalescer holds.
  void send_held();
  // Datagrams of one flow, as many in one sealed datagram as fit; at least two do.
  void send_joined(const Prefix& prefix, const SuperFrame& frame, const Route& route);
  bool send_whole(const Prefix& prefix, const Delivery& frame, int index, const Route& route);
  bool send_pieces(const Prefix& prefix, const Delivery& frame, int index, const Route& route);
  void tell_too_big(const Delivery& frame, int room);
  // `frame`: its bytes are those of the segment.
  void write_prefix(const Prefix& prefix, const Delivery& frame, int index, uint8_t* plaintext);
  const uint8_t* digest_of(const uint8_t* header, const Delivery& frame);
  void note_direct(int origin, const uint8_t* header);
  bool is_proved(int origin, const uint8_t* header, const uint8_t* frame, int length);
  int queue_for(const uint8_t* frame, int length) const;
  ssize_t write_parts(int descriptor, int parts);
  int gather(const SuperFrame& frame, int parts);
  void write_super_frame(SuperFrame& frame, bool join_udp);
  void write_singly(SuperFrame& frame, uint8_t* vnet, int descriptor);
  int refused(int frames);
  void clamp(int count);

  std::shared_ptr<Engine> engine_;
  const int slot_;
  uint8_t* const slab_;
  int32_t* const rows_;
  int32_t* const sends_;
  int32_t* const ways_;
  int32_t* const deliveries_;
  int rows_filled_ = 0;
  int ahead_ = 0;  // READY_TAP or READY_UDP: the rows were read from there, and nobody has seen them yet
  Shortcuts shortcuts_;
  int epoll_ = -1, asked_ = 0;
  unsigned queues_ready_ = 0;  // a bit each; 0: nobody has asked since they were read
  TapTurns turns_;
  int deferred_ = 0;            // messages of bulk that wait in their places …
  int deferrals_ = 0;           // … for so many readings now
  int forged_readings_ = 0;     // in that time, which gave nothing of a session
  bool has_opened_ = false;     // a datagram, since it was false
  bool is_batch_long_ = false;  // of bulk, the last one
  int64_t hasty_until_ = 0;     // milliseconds: frames of sparse flows came
  // How often in a row one frame was all that the TAP had since the last `wait`, and whether it was this time.
  int lone_ = 0;
  bool was_lone_ = false;
  // True, after a short rest, in a flood of frames of the TAP.
  bool rests();
  // Frames of the TAP since the span began (microseconds), and whether there were many in the last one.
  int64_t span_at_ = 0;
  int span_frames_ = 0;
  bool is_flood_ = false;
  int whole_bytes_ = 0;  // of frames that were put together, behind the places of the messages
  int64_t told_at_ = 0;  // milliseconds
  int tellings_ = TOO_BIG_BURST;
  std::unique_ptr<uint8_t[]> segment_;  // a segment that goes in pieces
  std::unique_ptr<uint8_t[]> header_;   // of a frame that does
  // Of the segments of frames that this call of `send` has sent: each goes to several peers.
  struct Hashed { uint64_t sequence; bool known; uint8_t digest[16]; };
  static constexpr int HASHED = 64;
  Hashed hashed_[HASHED];
  OriginDigest digest_;
  Sender sender_;
  Coalescer coalescer_;
  mmsghdr message_[UDP_BATCH];
  iovec part_[UDP_BATCH];
  sockaddr_in6 address_[UDP_BATCH];
  Endpoint source_[UDP_BATCH];
  struct Control { alignas(cmsghdr) uint8_t bytes[64]; };
  Control control_[UDP_BATCH];
  uint8_t message_of_row_[ROWS_MAX];
  iovec write_part_[COALESCE_MAX + 2];
  std::unique_ptr<uint8_t[]> gathered_;  // short payloads of one super-frame
};

}  // namespace weave

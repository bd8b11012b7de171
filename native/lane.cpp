#include "lane.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace weave {
namespace {

constexpr uint32_t READY_QUEUE = 8;  // the first of a bit for each queue of the TAP
static_assert((READY_QUEUE & (READY_TAP | READY_UDP | READY_WOKEN)) == 0, "no other's bit");

}  // namespace

int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

int64_t now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

Lane::Lane(std::shared_ptr<Engine> engine, int slot, uint8_t* slab, int32_t* rows, int32_t* sends, int32_t* ways,
           int32_t* deliveries)
    : engine_(std::move(engine)), slot_(slot), slab_(slab), rows_(rows), sends_(sends), ways_(ways), deliveries_(deliveries),
      segment_(new uint8_t[FRAME_MAX]), header_(new uint8_t[BROADCAST_HEADER + WAY_ENTRIES_MAX * WAY_ENTRY]),
      sender_(*engine_, slot), gathered_(new uint8_t[COALESCE_MAX * GATHER_BYTES_MAX]) {
  memset(message_, 0, sizeof message_);
  for (int i = 0; i < UDP_BATCH; i++) part_[i] = {slab_ + static_cast<size_t>(i) * UDP_MESSAGE_BYTES, UDP_MESSAGE_BYTES};
}

Lane::~Lane() {
  if (epoll_ >= 0) close(epoll_);
  engine_->release_slot(slot_);
}

const Endpoint* Lane::source(int row) const {
  if (row < 0 || row >= rows_filled_ || message_of_row_[row] == NO_MESSAGE) return nullptr;
  return &source_[message_of_row_[row]];
}

// In a flood of small frames who sends them pays for waking us, time and again: then we come back by ourselves, soon.
bool Lane::rests() {
  int64_t us = now_us(), span = us - span_at_;
  if (span >= FLOOD_SPAN_US) {
    is_flood_ = span_frames_ * int64_t{1000} >= span * FLOOD_FRAMES_PER_MS && span < 4 * FLOOD_SPAN_US;
    span_at_ = us;
    span_frames_ = 0;
  }
  if (!is_flood_) return false;
  timespec rest{0, FLOOD_REST_US * 1000};
  nanosleep(&rest, nullptr);
  return true;
}

int Lane::look(int mask, int timeout_ms) {
  lone_ = !was_lone_ ? 0 : lone_ < LONE_MAX ? lone_ + 1 : LONE_MIN - 1;
  was_lone_ = false;
  if (timeout_ms > 0 && mask == READY_TAP && rests()) timeout_ms = 0;
  // What waits in its places nobody tells of.
  bool has_deferred = (mask & READY_UDP) && deferred_ > 0;
  // What is left over of what came over links has been told of already.
  if (has_deferred || ((mask & READY_UDP) && engine_->intake.waits())) timeout_ms = 0;
  int ready = ask(mask, timeout_ms);
  if (has_deferred && ready >= 0) ready |= READY_UDP;
  uint64_t value;
  if (ready > 0 && (ready & READY_WOKEN) && read(engine_->wake_descriptor[slot_], &value, sizeof value) <= 0) ready &= ~READY_WOKEN;
  return ready;
}

// False with errno when it cannot.
bool Lane::watch_descriptors(int mask) {
  int set = epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) return false;
  bool good = true;
  auto add = [set, &good](int descriptor, uint32_t bit) {
    epoll_event event{EPOLLIN, {}};
    event.data.u32 = bit;
    if (descriptor >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) != 0) good = false;
  };
  if (mask & READY_TAP) for (size_t i = 0; i < engine_->taps.size(); i++) add(engine_->taps[i], READY_QUEUE << i);
  if (mask & READY_UDP) add(engine_->udp.descriptor, READY_UDP), add(engine_->udp.expedited, READY_UDP);
  add(engine_->wake_descriptor[slot_], READY_WOKEN);
  if (!good) {
    int error = errno;
    close(set);
    errno = error;
    return false;
  }
  if (epoll_ >= 0) close(epoll_);
  epoll_ = set;
  asked_ = mask;
  return true;
}

// What is ready of `mask`, which is mostly that of before; negative with errno when the kernel refuses.
int Lane::ask(int mask, int timeout_ms) {
  queues_ready_ = 0;
  if ((epoll_ < 0 || mask != asked_) && !watch_descriptors(mask)) return -1;
  epoll_event events[TAP_QUEUES + 3];
  int count = epoll_wait(epoll_, events, TAP_QUEUES + 3, timeout_ms);
  if (count < 0) return errno == EINTR ? 0 : -1;
  uint32_t bits = 0;
  for (int i = 0; i < count; i++) bits |= events[i].data.u32;
  queues_ready_ = bits / READY_QUEUE;
  return static_cast<int>(bits & (READY_QUEUE - 1)) | (queues_ready_ != 0 ? READY_TAP : 0);
}

bool Lane::row_frame(int index, Delivery& frame) {
  // Also rows that were not read: the switch writes some of its own.
  if (index < 0 || index >= ROWS_MAX) return false;
  const int32_t* row = row_(index);
  int64_t offset = row[ROW_OFFSET], length = row[ROW_LENGTH];
  if (offset < 0 || length < 14 || length > FRAME_MAX || offset + length > SLAB_BYTES) return false;
  frame.frame = slab_ + offset;
  frame.length = static_cast<int>(length);
  frame.flags = row[ROW_FLAGS] & FLAG_WIRE_MASK;
  frame.gso_size = row[ROW_GSO_SIZE] & 0xffff;
  frame.checksum_start = row[ROW_CHECKSUM] & 0xffff;
  frame.checksum_offset = row[ROW_CHECKSUM] >> 16 & 0xff;
  return true;
}

}  // namespace weave

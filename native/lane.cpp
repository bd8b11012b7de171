#include "lane.h"

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

namespace weave {

int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

Lane::Lane(std::shared_ptr<Engine> engine, int slot, uint8_t* slab, int32_t* rows, int32_t* sends, int32_t* ways,
           int32_t* deliveries)
    : engine_(std::move(engine)), slot_(slot), slab_(slab), rows_(rows), sends_(sends), ways_(ways), deliveries_(deliveries),
      segment_(new uint8_t[FRAME_MAX]), header_(new uint8_t[BROADCAST_HEADER + WAY_ENTRIES_MAX * WAY_ENTRY]),
      sender_(*engine_, slot), gathered_(new uint8_t[COALESCE_MAX * GATHER_BYTES_MAX]) {
  memset(message_, 0, sizeof message_);
  for (int i = 0; i < UDP_BATCH; i++) part_[i] = {slab_ + static_cast<size_t>(i) * UDP_MESSAGE_BYTES, UDP_MESSAGE_BYTES};
}

Lane::~Lane() { engine_->release_slot(slot_); }

const Endpoint* Lane::source(int row) const {
  if (row < 0 || row >= rows_filled_ || message_of_row_[row] == NO_MESSAGE) return nullptr;
  return &source_[message_of_row_[row]];
}

// In a flood of small frames who sends them pays for waking us, time and again: then we come back by ourselves, soon.
bool Lane::rests() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t us = static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000, span = us - span_at_;
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
  pollfd descriptors[3] = {
      {(mask & READY_TAP) ? engine_->tap : -1, POLLIN, 0},
      {(mask & READY_UDP) ? engine_->udp.descriptor : -1, POLLIN, 0},
      {engine_->wake_descriptor[slot_], POLLIN, 0},
  };
  // What is left over of what came over links has been told of already.
  if ((mask & READY_UDP) && engine_->intake.waits()) timeout_ms = 0;
  if (poll(descriptors, 3, timeout_ms) <= 0) return 0;
  int ready = 0;
  if (descriptors[0].revents != 0) ready |= READY_TAP;
  if (descriptors[1].revents != 0) ready |= READY_UDP;
  if (descriptors[2].revents != 0) {
    uint64_t value;
    if (read(engine_->wake_descriptor[slot_], &value, sizeof value) > 0) ready |= READY_WOKEN;
  }
  return ready;
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

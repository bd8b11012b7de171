// What a lane does by itself between two visits of the switch.
#include <algorithm>

#include "lane.h"

namespace weave {

void Lane::add_shortcut(int row, int peer, const Witness witness[2], int valid_ms, int large_ms) {
  if (row < 0 || row >= rows_filled_ || valid_ms <= 0) return;
  int64_t now = now_ms();
  shortcuts_.add(row_(row), peer, witness, now + valid_ms, now + large_ms);
}

int Lane::wait(int mask, int timeout_ms) {
  bool more = false;
  if (ahead_ != 0) return ahead_;
  for (;;) {
    int ready = look(mask, more ? 0 : timeout_ms);
    if (ready <= 0 || (ready & READY_WOKEN) || !shortcuts_.any(now_ms())) return ready;
    if (!carry(mask, ready, more)) return ahead_ != 0 ? ahead_ : ready;
  }
}

// False when the switch has to see something: what was read then waits for it. `more`: there may be more.
bool Lane::carry(int mask, int ready, bool& more) {
  more = false;
  // Of few there is mostly nothing behind them, unless one is a piece of a stream.
  auto weight = [this](int rows) {
    for (int i = 0; i < rows && i < FEW_FRAMES; i++) if (row_(i)[ROW_LENGTH] >= LONG_FRAME) return FEW_FRAMES;
    return rows;
  };
  for (int batch = 0; batch < BATCHES_PER_LOOK; batch++) {
    int64_t now = now_ms();
    int most = 0;
    if (ready & READY_TAP) {
      int error = 0, rows = tap_read(error);
      if (rows > 0 && !send_by_shortcut(rows, now)) return ahead_ = READY_TAP, false;
      if (error != 0) return false;
      most = weight(rows);
    }
    if (ready & READY_UDP) {
      int rows = udp_read();
      if (rows > 0 && !write_by_shortcut(rows, now)) return ahead_ = READY_UDP, false;
      most = std::max(most, weight(rows));
    }
    if (engine_->handover.is_untold()) return false;
    // Then `look` tells as well.
    if (most < FEW_FRAMES) return true;
    ready = mask;
  }
  return more = true;
}

bool Lane::send_by_shortcut(int rows, int64_t now) {
  int together = 0;
  for (int i = 0; i < rows; i++) {
    const Shortcut* found = shortcuts_.find(row_(i), now);
    if (found == nullptr || found->peer < 0) return false;
    int32_t* send = sends_ + static_cast<size_t>(i) * SEND_COLUMNS;
    // Short ones of a flow may leave as one long datagram.
    together = (i > 0 && send[SEND_PEER - SEND_COLUMNS] == found->peer ? together : 0) + row_(i)[ROW_LENGTH];
    if (together > LARGE_FRAME_BYTES && now >= found->large_until) return false;
    send[SEND_ROW] = i;
    send[SEND_PEER] = found->peer;
    send[SEND_KIND] = KIND_FRAME;
    send[SEND_WAY_AT] = send[SEND_SEQUENCE_LOW] = send[SEND_SEQUENCE_HIGH] = 0;
  }
  send(rows);
  return true;
}

bool Lane::write_by_shortcut(int rows, int64_t now) {
  for (int i = 0; i < rows; i++) {
    const Shortcut* found = shortcuts_.find(row_(i), now);
    if (found == nullptr || found->peer >= 0) return false;
    deliveries_[i] = i;
  }
  tap_write(rows);
  return true;
}

}  // namespace weave

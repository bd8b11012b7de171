#include "registry.h"

#include <mutex>
#include <unordered_map>

namespace weave {
namespace {

std::mutex engines_mutex;
std::unordered_map<int, std::shared_ptr<Engine>> engines;
int next_engine = 1;

// Lanes are looked up several times per batch: each thread has its own table, without a lock.
thread_local std::unordered_map<int, std::unique_ptr<Lane>> lanes;
thread_local int next_lane = 1;

}  // namespace

int register_engine(std::shared_ptr<Engine> engine) {
  std::lock_guard<std::mutex> guard(engines_mutex);
  if (engines.size() >= static_cast<size_t>(ENGINES_MAX)) return -1;
  engines[next_engine] = std::move(engine);
  return next_engine++;
}

std::shared_ptr<Engine> find_engine(int id) {
  std::lock_guard<std::mutex> guard(engines_mutex);
  auto found = engines.find(id);
  return found == engines.end() ? nullptr : found->second;
}

void forget_engine(int id) {
  std::shared_ptr<Engine> last;  // closed after the lock is released
  std::lock_guard<std::mutex> guard(engines_mutex);
  auto found = engines.find(id);
  if (found == engines.end()) return;
  last = std::move(found->second);
  engines.erase(found);
}

int register_lane(std::unique_ptr<Lane> lane) {
  if (lanes.size() >= static_cast<size_t>(LANES_OPEN_MAX)) return -1;
  lanes[next_lane] = std::move(lane);
  return next_lane++;
}

Lane* find_lane(int id) {
  auto found = lanes.find(id);
  return found == lanes.end() ? nullptr : found->second.get();
}

void forget_lane(int id) { lanes.erase(id); }

}  // namespace weave

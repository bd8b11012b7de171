// The engines and lanes of the process by number, so that threads can share an engine by a number they pass along.
#pragma once
#include <memory>

#include "engine.h"
#include "lane.h"

namespace weave {

constexpr int LANES_OPEN_MAX = ENGINES_MAX * LANES_MAX;

// Numbers are never used twice, so a stale one finds nothing. -1 when there are too many.
int register_engine(std::shared_ptr<Engine> engine);
std::shared_ptr<Engine> find_engine(int id);
void forget_engine(int id);

// Lanes stay with the thread that opened them.
int register_lane(std::unique_ptr<Lane> lane);
Lane* find_lane(int id);
void forget_lane(int id);

}  // namespace weave

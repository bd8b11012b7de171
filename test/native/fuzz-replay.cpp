// Runs the fuzzer's inputs once more, without clang: one a line in the files named, in hexadecimal digits (`make sanitize`); and
// each with every number of bytes missing that its second byte can say (`read_tap` of fuzz-engine.cpp).
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int SHORTER_MAX = 63, SHORTER_SHIFT = 2, REST_MASK = 3;

}  // namespace

int main(int count, char** words) {
  int inputs = 0;
  for (int i = 1; i < count; i++) {
    std::ifstream file(words[i]);
    for (std::string line; std::getline(file, line);) {
      std::vector<uint8_t> bytes;
      for (size_t at = 0; at + 1 < line.size(); at += 2) {
        unsigned value = 0;
        if (sscanf(line.c_str() + at, "%2x", &value) != 1) return fprintf(stderr, "fuzz-replay: no hexadecimal digits: %s\n", line.c_str()), 2;
        bytes.push_back(static_cast<uint8_t>(value));
      }
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      for (int shorter = 0; shorter <= SHORTER_MAX && bytes.size() > 1; shorter++) {
        bytes[1] = static_cast<uint8_t>((bytes[1] & REST_MASK) | shorter << SHORTER_SHIFT);
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      }
      inputs++;
    }
  }
  printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 2;
}

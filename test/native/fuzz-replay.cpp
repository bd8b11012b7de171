// Runs the fuzzer's inputs once more, without clang: one a line in the files named, in hexadecimal digits (`make sanitize`).
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

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
      inputs++;
    }
  }
  printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 2;
}

#include "resident.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <vector>

namespace weave {
namespace {

// Above the 64 KiB that Node.js reads from a socket at once, far below slabs and what LMDB sets aside.
constexpr int LARGE_BLOCK_BYTES = 256 << 10;

struct Range {
  uintptr_t from, to;
};

// Private mappings of files that nobody may write to and that have no page of their own: a page that was written to, as by
// relocations, or by --use-largepages, is in no file, and would come back as it was at first.
std::vector<Range> unwritten_files() {
  std::vector<Range> found;
  FILE* file = fopen("/proc/self/smaps", "re");
  if (file == nullptr) return found;
  char line[8192];
  Range range{};
  bool is_file = false;
  while (fgets(line, sizeof line, file) != nullptr) {
    char mode[5] = "", path[2] = "";
    unsigned long from = 0, to = 0, own_kb = 0;
    int fields = sscanf(line, "%lx-%lx %4s %*s %*s %*s %1s", &from, &to, mode, path);
    if (fields >= 3) {
      range = {from, to};
      is_file = fields == 4 && path[0] == '/' && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p';
    } else if (is_file && sscanf(line, "Anonymous: %lu kB", &own_kb) == 1 && own_kb == 0) {
      found.push_back(range);
    }
  }
  fclose(file);
  return found;
}

struct Release {
  std::vector<Range> candidates;
  uintptr_t page;
  double bytes;
};

// Called with the lock of the loader held: nothing of `object` goes away meanwhile, and it is loaded as a whole.
int release_object(dl_phdr_info* object, size_t, void* data) {
  auto& release = *static_cast<Release*>(data);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    uintptr_t from = (object->dlpi_addr + part.p_vaddr) & ~(release.page - 1);
    uintptr_t to = (object->dlpi_addr + part.p_vaddr + part.p_memsz + release.page - 1) & ~(release.page - 1);
    for (const Range& range : release.candidates) {
      if (range.from < from || range.to > to) continue;
      if (madvise(reinterpret_cast<void*>(range.from), range.to - range.from, MADV_DONTNEED) == 0) {
        release.bytes += static_cast<double>(range.to - range.from);
      }
    }
  }
  return 0;
}

}  // namespace

void keep_malloc_lean() {
  // To set either also ends that glibc raises them by itself, after which slabs lie in the heap, where zeroing touches them.
  mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
  mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES);
}

double release_memory() {
  malloc_trim(0);
  Release release{unwritten_files(), static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), 0};
  dl_iterate_phdr(release_object, &release);
  return release.bytes;
}

}  // namespace weave

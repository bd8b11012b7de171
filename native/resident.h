// What the process holds in memory and does not need there.
#pragma once

namespace weave {

// Has malloc take large blocks from the kernel, untouched, and give them back when they are freed.
void keep_malloc_lean();

// Gives back what malloc holds free, and lets go of code and constants of the program and its libraries: what is used of them
// comes back from the kernel's cache of files, a few pages at a time. Returns of how many bytes of files it let go.
double release_memory();

}  // namespace weave

// What this process uses of the machine.

#ifndef HARNESS_USAGE_HPP
#define HARNESS_USAGE_HPP

#include <stddef.h>
#include <stdint.h>

#include <chrono>

namespace harness {

// Numbers of the whole process, but for `mainCpu`, and since its start.
struct Usage
{
  std::chrono::microseconds cpu;

  // Of the calling thread: on the main thread, what the harness uses itself.
  std::chrono::microseconds mainCpu;

  // Of the children that were waited for: the tasks.
  std::chrono::microseconds childCpu;

  int64_t voluntarySwitches;
  int64_t involuntarySwitches;

  int64_t peakRssBytes;
  size_t threads;
  size_t descriptors;

  static Usage now();
};


// How many descriptors this many containers need at most, by rule of thumb:
// the task's two until it was started, its pidfd, and what a logger holds for
// two streams.
size_t descriptorsNeeded(size_t containers);

// The soft limit of RLIMIT_NOFILE. The harness does not raise it.
size_t descriptorLimit();

} // namespace harness {

#endif // HARNESS_USAGE_HPP

#include "usage.hpp"

#include <string.h>

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include <glog/logging.h>

namespace fs = std::filesystem;

using std::chrono::microseconds;

namespace harness {

namespace {

constexpr size_t DESCRIPTORS_PER_CONTAINER = 11;
constexpr size_t DESCRIPTORS_OF_THE_PROCESS = 64;


struct rusage usageOf(int who)
{
  struct rusage usage;
  memset(&usage, 0, sizeof(usage));
  PCHECK(getrusage(who, &usage) == 0);
  return usage;
}


microseconds cpuOf(const struct rusage& usage)
{
  const auto micros = [](const struct timeval& time) {
    return microseconds(time.tv_sec * 1000000LL + time.tv_usec);
  };

  return micros(usage.ru_utime) + micros(usage.ru_stime);
}


size_t countEntries(const char* directory)
{
  std::error_code error;
  const fs::directory_iterator entries(directory, error);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

} // namespace {


Usage Usage::now()
{
  const struct rusage self = usageOf(RUSAGE_SELF);

  Usage usage;
  usage.cpu = cpuOf(self);
  usage.mainCpu = cpuOf(usageOf(RUSAGE_THREAD));
  usage.childCpu = cpuOf(usageOf(RUSAGE_CHILDREN));
  usage.voluntarySwitches = self.ru_nvcsw;
  usage.involuntarySwitches = self.ru_nivcsw;
  usage.peakRssBytes = self.ru_maxrss * 1024;
  usage.threads = countEntries("/proc/self/task");

  // Less the one that counts.
  usage.descriptors = countEntries("/proc/self/fd") - 1;

  return usage;
}


size_t descriptorsNeeded(size_t containers)
{
  return containers * DESCRIPTORS_PER_CONTAINER + DESCRIPTORS_OF_THE_PROCESS;
}


size_t descriptorLimit()
{
  struct rlimit limit;
  PCHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

} // namespace harness {

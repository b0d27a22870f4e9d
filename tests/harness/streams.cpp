#include "streams.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <process/future.hpp>

#include <process/metrics/metrics.hpp>

#include <stout/duration.hpp>

namespace fs = std::filesystem;

using std::map;
using std::string;
using std::vector;

using std::chrono::milliseconds;

namespace harness {

namespace {

constexpr char STREAMS[] = "sluice/streams";


// Whether any thread of this process has a child.
bool hasChildren()
{
  std::error_code error;
  for (const auto& thread : fs::directory_iterator("/proc/self/task", error)) {
    std::ifstream children(thread.path() / "children");
    int pid;
    if (children >> pid) {
      return true;
    }
  }

  return false;
}


bool served()
{
  const map<string, double> values = metrics();
  const auto streams = values.find(STREAMS);
  return streams == values.end() ? hasChildren() : streams->second > 0;
}

} // namespace {


map<string, double> metrics()
{
  return process::metrics::snapshot(None()).get();
}


void awaitTasks(
  const vector<Container>& containers, const std::function<void()>& sample)
{
  for (const Container& container : containers) {
    if (container.pid == 0) {
      continue;
    }

    while (!container.status.await(Milliseconds(250))) {
      sample();
    }
  }
}


void awaitStreams(const std::function<void()>& sample)
{
  milliseconds pause(1);

  while (served()) {
    sample();
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, milliseconds(50));
  }
}

} // namespace harness {

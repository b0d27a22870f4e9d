// Hazard: threads. All are there when the logger is initialised, and none is
// started later, whatever the load: at that time the host may have no room.

#include <algorithm>
#include <filesystem>

#include "guest.hpp"
#include "streams.hpp"

namespace fs = std::filesystem;

namespace {

// For workers that block in file systems, launches and the runtime's own, on a
// machine of any size; 500 containers are a thousand streams.
constexpr size_t MOST = 160;
constexpr size_t CONTAINERS = 500;


size_t threads()
{
  const fs::directory_iterator entries("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

} // namespace


int main()
{
  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  const size_t before = threads();
  guest.start();
  const size_t started = threads();

  const auto containers =
    guest.launch(CONTAINERS, hazard::numbersCommand(20000));

  size_t most = threads();
  harness::awaitTasks(containers, [&]() { most = std::max(most, threads()); });
  guest.finish(containers);
  most = std::max(most, threads());

  fprintf(
    stderr,
    "threads: %zu before, %zu when initialised, %zu at most\n",
    before,
    started,
    most);
  hazard::require(
    std::to_string(started - before) + " threads of the library's",
    started - before <= MOST);
  hazard::requireEqual("threads under load", started, most);

  return 0;
}

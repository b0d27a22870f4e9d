// Hazard: threads. Their number is bounded, whatever the load.

#include <algorithm>
#include <filesystem>

#include "guest.hpp"
#include "streams.hpp"

namespace fs = std::filesystem;

namespace {

// Generous for workers that block in file systems and the runtime's own; 500
// containers are a thousand streams.
constexpr size_t MOST = 64;
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

  const auto containers =
    guest.launch(CONTAINERS, hazard::numbersCommand(20000));

  size_t most = threads();
  harness::awaitTasks(containers, [&]() { most = std::max(most, threads()); });
  guest.finish(containers);
  most = std::max(most, threads());

  fprintf(stderr, "threads: %zu before, %zu at most\n", before, most);
  hazard::require(
    std::to_string(most - before) + " threads of the library's",
    most - before <= MOST);

  return 0;
}

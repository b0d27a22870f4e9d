// Hazard: programs that the library starts by the thousand, as other users. No
// thread of the host may be left with descriptors of its own, which would keep
// open what the host closes, and the host leaves core dumps as before.

#include <errno.h>
#include <unistd.h>

#include <linux/kcmp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "guest.hpp"
#include "streams.hpp"

using std::map;
using std::string;

namespace {

constexpr size_t SCRIPTS = 1000;
constexpr size_t CONTAINERS = 16;
constexpr size_t LINES = 700000; // 4.8 MB; 74 times the limit of a file


// The threads that have not the process' table of descriptors.
size_t privateTables()
{
  size_t count = 0;
  for (const int thread : hazard::threads()) {
    const long result = syscall(SYS_kcmp, getpid(), thread, KCMP_FILES, 0, 0);
    if (result < 0 && errno == ESRCH) {
      continue; // it has ended
    }

    hazard::require("kcmp", result >= 0);
    count += result != 0;
  }

  return count;
}


size_t linesOf(const string& path)
{
  std::ifstream file(path);
  return static_cast<size_t>(std::count(
    std::istreambuf_iterator<char>(file),
    std::istreambuf_iterator<char>(),
    '\n'));
}

} // namespace


int main()
{
  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  const int dumpable = prctl(PR_GET_DUMPABLE);

  map<string, string> parameters = hazard::scripted();
  parameters["logrotate_stdout_options"] =
    R"(rotate 1000\npostrotate\n  echo >> ran\nendscript)";
  guest.start(parameters);
  if (geteuid() == 0) {
    guest.launchAs("nobody");
  }

  const auto containers =
    guest.launch(CONTAINERS, hazard::numbersCommand(LINES));

  size_t most = 0;
  const auto look = [&]() {
    most = std::max(most, privateTables());
  };
  harness::awaitTasks(containers, look);
  harness::awaitStreams(look);
  guest.finish(containers);

  size_t scripts = 0;
  for (const auto& container : containers) {
    scripts += linesOf(container.sandbox() + "/ran");
    hazard::require(
      "lost output", hazard::output(container) == hazard::numbers(LINES));
  }

  fprintf(stderr, "scripts: %zu\n", scripts);
  hazard::require("enough scripts", scripts >= SCRIPTS);
  look();
  hazard::requireEqual<size_t>(
    "threads with a table of descriptors of their own", 0, most);
  hazard::requireEqual("dumpable", dumpable, prctl(PR_GET_DUMPABLE));
  return 0;
}

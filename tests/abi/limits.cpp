// Hazard: a language runtime raises resource limits, and children inherit them.

#include <sys/resource.h>

#include "guest.hpp"

using std::string;

namespace {

string limits()
{
  return hazard::readFile("/proc/self/limits");
}


string inherited()
{
  FILE* pipe = popen("exec cat /proc/self/limits", "r");
  hazard::require("popen", pipe != nullptr);

  string text;
  char buffer[4096];
  size_t length;
  while ((length = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    text.append(buffer, length);
  }

  pclose(pipe);
  return text;
}

} // namespace


int main()
{
  // A soft limit below the hard one, which a runtime would raise.
  struct rlimit files;
  hazard::require("getrlimit", getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max > 1000 ? 1000 : files.rlim_max - 1;
  hazard::require("setrlimit", setrlimit(RLIMIT_NOFILE, &files) == 0);

  const string before = limits();
  const string inheritedBefore = inherited();

  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  guest.start();
  hazard::requireEqual("limits after the start", before, limits());

  guest.finish(guest.launch(4, hazard::numbersCommand(100000)));
  hazard::requireEqual("limits after work", before, limits());
  hazard::requireEqual("limits of a child", inheritedBefore, inherited());

  // The task of a container, too.
  const auto tasks = guest.launch(1, {"cat", "/proc/self/limits"});
  guest.finish(tasks);
  hazard::requireEqual(
    "limits of a task", inheritedBefore, hazard::output(tasks.front()));

  return 0;
}

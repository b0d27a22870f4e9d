// Hazard: a language runtime raises resource limits, and children inherit them.

#include <dlfcn.h>
#include <signal.h>

#include <sys/resource.h>

#include <chrono>
#include <thread>

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


// What the host sets when it has opened the library is not taken back when it
// makes a logger. Whether the runtime has come to rest cannot be seen: so a
// limit is set until it has stayed for a while.
void setBetween()
{
  hazard::require(
    "dlopen", dlopen(hazard::library().c_str(), RTLD_NOW) != nullptr);

  for (int stayed = 0; stayed < 300; stayed++) {
    struct rlimit now;
    hazard::require("getrlimit", getrlimit(RLIMIT_NOFILE, &now) == 0);

    if (now.rlim_cur != 900) {
      stayed = 0;
      now.rlim_cur = 900;
      hazard::require("setrlimit", setrlimit(RLIMIT_NOFILE, &now) == 0);
      signal(SIGPIPE, SIG_IGN);
    }

    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  guest.start();
  guest.finish(guest.launch(2, hazard::numbersCommand(100000)));

  struct rlimit now;
  struct sigaction brokenPipe;
  hazard::require("getrlimit", getrlimit(RLIMIT_NOFILE, &now) == 0);
  hazard::require("sigaction", sigaction(SIGPIPE, nullptr, &brokenPipe) == 0);
  hazard::requireEqual<rlim_t>("limit set in between", 900, now.rlim_cur);
  hazard::require(
    "SIGPIPE is ignored no more", brokenPipe.sa_handler == SIG_IGN);
}

} // namespace


int main()
{
  hazard::requireEqual(
    "status of a host that changes its mind", 0, hazard::inChild(&setBetween));

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

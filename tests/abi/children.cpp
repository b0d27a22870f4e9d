// Hazard: children. The library waits for none that is not its own, and leaves
// none of its own to the host.

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <sys/wait.h>

#include <fstream>

#include "guest.hpp"

namespace {

bool hasChildren()
{
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

} // namespace


int main()
{
  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  guest.start();

  // One that is dead for as long as the library is at work.
  const pid_t dead = fork();
  if (dead == 0) {
    _exit(42);
  }

  siginfo_t info;
  hazard::require("waitid", waitid(P_PID, dead, &info, WEXITED | WNOWAIT) == 0);

  const auto containers = guest.launch(8, hazard::numbersCommand(100000));
  guest.finish(containers);

  int status = -1;
  hazard::requireEqual("the host's child", dead, waitpid(dead, &status, 0));
  hazard::requireEqual("its exit status", 42, WEXITSTATUS(status));

  hazard::require("children are left over", !hasChildren());
  return 0;
}

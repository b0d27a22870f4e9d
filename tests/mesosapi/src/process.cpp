#include <signal.h>

#include <mutex>

#include <process/process.hpp>

#include "reaper.hpp"

namespace process {

bool initialize(const Option<std::string>&)
{
  static std::once_flag once;
  bool first = false;

  std::call_once(once, [&first]() {
    first = true;

    // As libprocess does, so that a child starts with what an agent's child
    // starts with.
    signal(SIGPIPE, SIG_IGN);

    internal::startReaper();
  });

  return first;
}

} // namespace process {

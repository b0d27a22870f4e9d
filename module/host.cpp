#include "host.hpp"

#include <signal.h>

#include <sys/resource.h>

#include <mutex>

namespace {

struct rlimit files;
struct sigaction brokenPipe;


// NOTE: The runtime starts in the initialisers of the library; a priority puts
// this one before those.
[[gnu::constructor(101)]] void rememberHost()
{
  getrlimit(RLIMIT_NOFILE, &files);
  sigaction(SIGPIPE, nullptr, &brokenPipe);
}

} // namespace {


namespace [[gnu::visibility("hidden")]] sluice {

void restoreHost()
{
  static std::once_flag once;

  std::call_once(once, []() {
    // The runtime raises the soft limit, which children would inherit.
    setrlimit(RLIMIT_NOFILE, &files);

    // The runtime takes SIGPIPE over, and a handler becomes SIG_DFL in children
    // where SIG_IGN would stay. Where the host did not ignore it, the runtime
    // keeps it: a write of the core's must not kill the host.
    if (brokenPipe.sa_handler == SIG_IGN) {
      sigaction(SIGPIPE, &brokenPipe, nullptr);
    }
  });
}

} // namespace sluice {

#include "host.h"

#include <signal.h>
#include <sys/resource.h>

static struct rlimit files;
static struct sigaction broken_pipe;

// The runtime starts in the initialisers of the library; a priority puts this
// one before those.
__attribute__((constructor(101))) static void remember_host(void)
{
  getrlimit(RLIMIT_NOFILE, &files);
  sigaction(SIGPIPE, 0, &broken_pipe);
}

void sluice_restore_host(void)
{
  struct rlimit now;

  // The runtime raises the soft limit to one less than the hard one, by which
  // it is known, and children would inherit it. Any other is the host's
  // meanwhile.
  if (
    getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == now.rlim_max - 1 &&
    now.rlim_max == files.rlim_max) {
    setrlimit(RLIMIT_NOFILE, &files);
  }

  // The runtime takes SIGPIPE over, and a handler becomes SIG_DFL in children
  // where SIG_IGN would stay. Where the host did not ignore it, the runtime
  // keeps it: a write of the core's must not kill the host.
  if (broken_pipe.sa_handler == SIG_IGN) {
    sigaction(SIGPIPE, &broken_pipe, 0);
  }
}

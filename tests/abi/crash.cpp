// Hazard: a language runtime takes faults and deaths for its own. Signals that
// belong to the host do what they do without the library.

#include <signal.h>
#include <stdlib.h>

#include <sys/stat.h>
#include <fcntl.h>

#include <functional>

#include <glog/logging.h>

#include "guest.hpp"

using std::string;

namespace {

volatile sig_atomic_t received = 0;

void onSignal(int signal)
{
  received = signal;
}


// Runs `end` in a child with a busy guest, and asserts that the signal ends it.
// Gives what the child wrote to stderr.
string dies(int signal, const std::function<void()>& end)
{
  hazard::Scratch scratch;
  const string log = scratch.path() + "/log";

  const int status = hazard::inChild([&]() {
    const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);

    google::InitGoogleLogging("abi-crash");
    google::InstallFailureSignalHandler();
    hazard::Guest guest(scratch.path());
    guest.start();
    guest.launch(4, {"sh", "-c", "for i in 1 2 3; do seq 1 20000; done"});
    end();
  });

  const string name = sigabbrev_np(signal);
  const string text = hazard::readFile(log);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != signal) {
    fprintf(stderr, "%s\n", text.c_str());
    hazard::fail("SIG" + name + ": status " + std::to_string(status));
  }

  return text;
}


void contains(const string& text, const string& part)
{
  if (text.find(part) == string::npos) {
    fprintf(stderr, "%s\n", text.c_str());
    hazard::fail("no '" + part + "' in the log above");
  }
}


void fault()
{
  volatile int* nowhere = nullptr;
  *nowhere = 1;
}

} // namespace


int main()
{
  // The host's failure handler prints its stack, and the signal kills.
  contains(dies(SIGSEGV, &fault), "*** SIGSEGV");
  contains(dies(SIGSEGV, []() { raise(SIGSEGV); }), "*** SIGSEGV");
  contains(dies(SIGABRT, []() { abort(); }), "*** SIGABRT");
  contains(
    dies(SIGABRT, []() { CHECK(false) << "the host's own"; }),
    "the host's own");

  // Default actions.
  for (const int signal : {SIGINT, SIGUSR1, SIGHUP, SIGQUIT, SIGALRM}) {
    dies(signal, [signal]() {
      kill(getpid(), signal);
      while (true) {
        pause();
      }
    });
  }

  // A handler of the host's is called, also where it was installed before the
  // library came.
  const int status = hazard::inChild([]() {
    struct sigaction action = {};
    action.sa_handler = &onSignal;
    sigaction(SIGTERM, &action, nullptr);

    hazard::Scratch scratch;
    hazard::Guest guest(scratch.path());
    guest.start();
    raise(SIGTERM);
    hazard::requireEqual(
      "signal that arrived", SIGTERM, static_cast<int>(received));

    signal(SIGUSR1, &onSignal);
    raise(SIGUSR1);
    hazard::requireEqual(
      "signal that arrived", SIGUSR1, static_cast<int>(received));

    // Ignored by the host, so an error of write(2).
    int ends[2];
    hazard::require("pipe", pipe2(ends, O_CLOEXEC) == 0);
    close(ends[0]);
    hazard::requireEqual<ssize_t>("write", -1, write(ends[1], "x", 1));
    hazard::requireEqual("errno", EPIPE, errno);
  });

  hazard::requireEqual("status of the child with handlers", 0, status);
  return 0;
}

// Hazard: a language runtime installs signal handlers. Whatever the host had
// set stays: dispositions, flags and masks, as the host and its children see
// them.

#include <signal.h>
#include <string.h>

#include <map>
#include <set>

#include <glog/logging.h>

#include "guest.hpp"

using std::map;
using std::set;
using std::string;

namespace {

// The Go runtime needs these for itself: memory faults of its own code, and
// preemption. It passes on what is not its own, which the program `crash`
// proves for the faults.
const set<int> TAKEN = {SIGSEGV, SIGBUS, SIGFPE, SIGURG};


// The runtime adds this flag to the host's handlers, since a signal may arrive
// on a thread of its own. On a thread that has no alternative stack, as the
// host's, it has no effect.
constexpr int HARMLESS = SA_ONSTACK;


struct Disposition
{
  void* handler;
  int flags;
  sigset_t mask;

  bool operator==(const Disposition& that) const
  {
    for (int signal = 1; signal < NSIG; signal++) {
      if (sigismember(&mask, signal) != sigismember(&that.mask, signal)) {
        return false;
      }
    }

    return handler == that.handler &&
           (flags & ~HARMLESS) == (that.flags & ~HARMLESS);
  }
};


map<int, Disposition> dispositions()
{
  map<int, Disposition> result;
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    if (sigaction(signal, nullptr, &action) == 0) {
      result[signal] = {
        reinterpret_cast<void*>(action.sa_handler),
        action.sa_flags,
        action.sa_mask};
    }
  }

  return result;
}


// The lines of /proc/PID/status that say which signals are blocked and ignored.
string statusLines(const string& status)
{
  std::istringstream stream(status);
  string line;
  string result;
  while (std::getline(stream, line)) {
    if (line.rfind("SigBlk:", 0) == 0 || line.rfind("SigIgn:", 0) == 0) {
      result += line + "\n";
    }
  }

  return result;
}


// What a program that the host starts begins its life with.
string inherited()
{
  FILE* pipe = popen("exec cat /proc/self/status", "r");
  hazard::require("popen", pipe != nullptr);

  string text;
  char buffer[4096];
  size_t length;
  while ((length = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    text.append(buffer, length);
  }

  pclose(pipe);
  return statusLines(text);
}


void onSignal(int) {}

void onInfo(int, siginfo_t*, void*) {}


// As an agent has them, and some that differ from what a runtime would choose.
void prepareHost()
{
  google::InstallFailureSignalHandler();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);

  struct sigaction action;
  memset(&action, 0, sizeof(action));
  sigaddset(&action.sa_mask, SIGALRM);
  action.sa_flags = SA_RESTART;
  action.sa_handler = &onSignal;
  sigaction(SIGUSR1, &action, nullptr);

  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = &onInfo;
  sigaction(SIGTERM, &action, nullptr);

  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
}


int differences(
  const string& when, const map<int, Disposition>& before, const set<int>& but)
{
  int count = 0;
  for (const auto& entry : dispositions()) {
    const Disposition& was = before.at(entry.first);
    if (but.count(entry.first) == 0 && !(entry.second == was)) {
      fprintf(
        stderr,
        "%s: SIG%s: handler %p flags %#x, was handler %p flags %#x\n",
        when.c_str(),
        sigabbrev_np(entry.first) ? sigabbrev_np(entry.first) : "RT",
        entry.second.handler,
        entry.second.flags,
        was.handler,
        was.flags);
      count++;
    }
  }

  return count;
}

} // namespace


int main()
{
  hazard::Scratch scratch;
  prepareHost();
  const map<int, Disposition> before = dispositions();
  const string inheritedBefore = inherited();

  sigset_t maskBefore;
  pthread_sigmask(SIG_BLOCK, nullptr, &maskBefore);

  hazard::Guest guest(scratch.path());
  guest.start();
  int count = differences("after the start", before, TAKEN);

  guest.finish(guest.launch(4, hazard::numbersCommand(100000)));
  count += differences("after work", before, TAKEN);

  sigset_t maskAfter;
  pthread_sigmask(SIG_BLOCK, nullptr, &maskAfter);
  for (int signal = 1; signal < NSIG; signal++) {
    hazard::requireEqual(
      "mask of the host's thread, signal " + std::to_string(signal),
      sigismember(&maskBefore, signal),
      sigismember(&maskAfter, signal));
  }

  hazard::requireEqual(
    "signals that a child inherits", inheritedBefore, inherited());
  hazard::requireEqual("dispositions that changed", 0, count);

  return 0;
}

// Hazard: a task that takes all processes that its agent may have. A language
// runtime starts a thread when it needs one, and ends the process where it gets
// none: not the agent's, nor the task's log.
//
// SLUICE_ABI_SECONDS is for how long a task does that, in each of three ways
// (6).

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>

#include <stout/duration.hpp>

#include "guest.hpp"

namespace fs = std::filesystem;

using std::function;
using std::string;
using std::vector;

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

// Nobody's, nor that of another run of this program.
const uid_t USER = 100000 + static_cast<uid_t>(getpid());

// The library's threads, the host's, and some for tasks.
constexpr size_t PROCESSES = 220;

// Far beyond PROCESSES: no limit holds.
constexpr size_t UNLIMITED = 3000;

// How seldom the task lets go of some: who waits for one shorter has none.
constexpr seconds HOLD(2);

// Far beyond what a busy machine takes to move a line.
constexpr seconds STANDSTILL(120);


int duration()
{
  const char* given = getenv("SLUICE_ABI_SECONDS");
  return given == nullptr ? 6 : atoi(given);
}


// A task that writes now much, now nothing, from when there are no processes
// left for whoever moves that.
int writeLines(int forSeconds)
{
  const auto end = steady_clock::now() + seconds(forSeconds);
  std::this_thread::sleep_for(HOLD);

  for (size_t line = 1; steady_clock::now() < end; line++) {
    printf("%zu\n", line);
    if (line % 5000 == 0) {
      fflush(stdout);
      std::this_thread::sleep_for(milliseconds(line % 20000 == 0 ? 1000 : 200));
    }
  }

  printf("end\n");
  return 0;
}


// The task: takes all processes, again and again, and says so line by line.
int takeAll(int forSeconds)
{
  const auto end = steady_clock::now() + seconds(forSeconds);
  auto held = steady_clock::now();
  vector<pid_t> taken;
  size_t refused = 0;

  for (size_t line = 1; steady_clock::now() < end; line++) {
    pid_t pid = 1;
    while (taken.size() < UNLIMITED && (pid = fork()) > 0) {
      taken.push_back(pid);
    }

    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) {
        pause();
      }
    }

    if (pid > 0 || errno != EAGAIN) {
      return 3;
    }

    refused++;
    printf("%zu\n", line);
    fflush(stdout);
    usleep(100); // ten minutes of lines are fewer than are kept

    // Who waits for a process gets one now and then, and loses it again.
    if (steady_clock::now() - held > HOLD) {
      held = steady_clock::now();
      for (int i = 0; i < 5 && !taken.empty(); i++) {
        kill(taken.back(), SIGKILL);
        waitpid(taken.back(), nullptr, 0);
        taken.pop_back();
      }
    }
  }

  for (const pid_t pid : taken) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  printf("%s\n", refused > 0 ? "end" : "no limit was met");
  return 0;
}


// Asserts that the log of such a task is whole.
void checkLines(const string& text)
{
  std::istringstream lines(text);
  string line;
  for (size_t number = 1; std::getline(lines, line); number++) {
    if (line == "end") {
      return;
    }

    hazard::requireEqual("line", std::to_string(number), line);
  }

  hazard::fail("the log of the task has no end");
}


// Launches containers, whose tasks are never started: that takes no process.
// Meanwhile `written` has to grow.
void launchFor(
  hazard::Guest* guest,
  const string& root,
  int forSeconds,
  const function<size_t()>& written)
{
  harness::Flags flags;
  flags.command = {"true"};
  auto workDir = harness::WorkDir::open(root + "/work");
  const auto end = steady_clock::now() + seconds(forSeconds);
  auto grown = steady_clock::now();
  size_t last = 0;
  std::this_thread::sleep_for(HOLD);

  for (size_t i = 1000; steady_clock::now() < end; i++) {
    auto container = harness::createContainer(flags, workDir.get(), i);
    auto io = guest->logger()->prepare(container->id, container->config);
    hazard::require("a launch hangs", io.await(Seconds(300)));
    hazard::require("a launch fails", io.isReady());
    std::this_thread::sleep_for(milliseconds(20));

    const size_t now = written();
    if (now != last) {
      last = now;
      grown = steady_clock::now();
    }

    hazard::require(
      "the log of the task stands still",
      steady_clock::now() - grown < STANDSTILL);
  }
}


// The host: tasks that write, and one that takes all there is.
void host(
  const string& root,
  const string& self,
  const std::map<string, string>& parameters)
{
  hazard::Guest guest(root);
  guest.start(parameters);

  const string time = std::to_string(duration());
  auto containers = guest.launch(8, {self, "--write", time});
  const auto taker = guest.launch(1, {self, "--take-all", time});
  containers.push_back(taker.front());

  const string sandbox = taker.front().sandbox();
  launchFor(&guest, root, duration(), [&]() {
    std::error_code error; // the file may be under way to another name
    const auto changed = fs::last_write_time(sandbox + "/stdout", error);
    return static_cast<size_t>(changed.time_since_epoch().count());
  });
  guest.finish(containers);

  for (const auto& container : containers) {
    checkLines(hazard::output(container));
  }
}


// A host that may have no thread more than it has, but for a few.
void refused(const string& root)
{
  hazard::Guest guest(root);
  Try<Nothing> started = guest.tryStart();
  hazard::require("initialize() succeeds without room", started.isError());
  hazard::require(
    "what initialize() says: " + started.error(),
    started.error().find("leaves no room for the logger's threads") !=
      string::npos);
}


// Becomes a user who may have so many processes.
void becomeUser(const string& root, rlim_t processes)
{
  hazard::require("chown", chown(root.c_str(), USER, USER) == 0);
  const struct rlimit limit = {processes, processes};
  hazard::require("setrlimit", setrlimit(RLIMIT_NPROC, &limit) == 0);
  hazard::require("setgroups", setgroups(0, nullptr) == 0);
  hazard::require("setgid", setgid(USER) == 0);
  hazard::require("setuid", setuid(USER) == 0);
}


// A control group that lets its processes be so many; empty where this machine
// has none to give.
class Group
{
public:
  explicit Group(size_t processes)
  {
    for (const string root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
      std::ofstream(root + "/cgroup.subtree_control") << "+pids";
      const string made = root + "/sluice-abi-" + std::to_string(getpid()) +
                          "-" + std::to_string(processes);
      if (mkdir(made.c_str(), 0755) != 0) {
        continue;
      }

      path = made;
      std::ofstream max(path + "/pids.max");
      max << processes << std::flush;
      if (max.good() && fs::exists(path + "/pids.current")) {
        return;
      }

      rmdir(path.c_str());
      path.clear();
    }
  }

  ~Group()
  {
    // The last of its processes may not have ended.
    for (int i = 0; i < 1000 && !path.empty() && rmdir(path.c_str()) != 0;
         i++) {
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  bool made() const { return !path.empty(); }

  void enter() const
  {
    std::ofstream processes(path + "/cgroup.procs");
    processes << getpid() << std::flush;
    hazard::require("entering " + path, processes.good());
  }

private:
  string path;
};


void inScratch(const string& what, const function<void(const string&)>& body)
{
  fprintf(stderr, "%s\n", what.c_str());
  hazard::Scratch scratch;
  hazard::requireEqual(what + ": status of the host", 0, hazard::inChild([&]() {
                         body(scratch.path());
                       }));
}

} // namespace


int main(int argc, char** argv)
{
  if (argc == 3 && string(argv[1]) == "--write") {
    return writeLines(atoi(argv[2]));
  }

  if (argc == 3 && string(argv[1]) == "--take-all") {
    return takeAll(atoi(argv[2]));
  }

  if (geteuid() != 0) {
    fprintf(stderr, "skipped: needs root, to be other users\n");
    return 77;
  }

  // As many as hazard::output() reads.
  const std::map<string, string> plain = {
    {"logrotate_stdout_options", "rotate 2000"}};
  std::map<string, string> scripted = hazard::scripted();
  scripted["script_timeout"] = "1secs";

  const string self = fs::canonical("/proc/self/exe");
  const bool shared =
    hazard::inChild([&]() {
      hazard::Scratch scratch;
      becomeUser(scratch.path(), PROCESSES);
      _exit(
        access(hazard::library().c_str(), R_OK) | access(self.c_str(), X_OK));
    }) == 0;

  if (shared) {
    inScratch("a user who may have few processes", [&](const string& root) {
      becomeUser(root, PROCESSES);
      host(root, self, plain);
    });
    inScratch("a user who may have too few", [&](const string& root) {
      becomeUser(root, 60);
      refused(root);
    });
  }

  Group group(PROCESSES);
  if (group.made()) {
    inScratch("root in a control group", [&](const string& root) {
      group.enter();
      host(root, self, plain);
    });
    inScratch("the same, with scripts", [&](const string& root) {
      group.enter();
      host(root, self, scripted);
    });
  }

  Group small(60);
  if (small.made()) {
    inScratch("root in a small control group", [&](const string& root) {
      small.enter();
      refused(root);
    });
  }

  if (!shared || !group.made()) {
    fprintf(
      stderr,
      "skipped: needs %s\n",
      shared ? "the pids controller, and to make a control group"
             : "a build directory that other users can read");
    return 77;
  }

  return 0;
}

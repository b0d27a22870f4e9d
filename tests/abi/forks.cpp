// Hazard: the agent forks while the library is at work. A child between fork
// and exec has one thread and every lock as it was; what it execs must inherit
// nothing. A storm of both, while containers come and every stream is busy.

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "guest.hpp"

using std::string;
using std::vector;

namespace {

constexpr int THREADS = 4;
constexpr int FORKS = 150;
constexpr size_t LINES = 200000;
constexpr size_t CONTAINERS = 16;


// Whether the Go runtime itself has opened a file of the host, which it does
// for an instant while it is loaded, and without close-on-exec: for the size of
// huge pages, and the race detector to read the memory map and the environment.
// An agent loads modules before it starts anything.
bool ofTheRuntime(const string& path)
{
#ifdef SLUICE_RACE
  if (path.find("/proc/" + std::to_string(getppid()) + "/") == 0) {
    return true;
  }
#endif
  return path == "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
}


// The program that the host starts: counts what it was born with.
int inspect()
{
  int count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (const struct dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(directory)) {
      char text[256] = {};
      const string path = string("/proc/self/fd/") + entry->d_name;
      if (
        readlink(path.c_str(), text, sizeof(text) - 1) > 0 &&
        ofTheRuntime(text)) {
        continue;
      }
      count++;
      fprintf(
        stderr,
        "%d inherited from %d: %d -> %s\n",
        getpid(),
        getppid(),
        fd,
        text);
    }
  }

  closedir(directory);
  return count;
}


// Forks and execs this program to inspect itself.
int spawn(const char* self)
{
  const pid_t pid = fork();
  if (pid == 0) {
    execl(self, self, "--inspect", nullptr);
    _exit(127);
  }

  int status = -1;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) {
    hazard::fail("fork or waitpid failed");
  }

  return status;
}

} // namespace


int main(int argc, char**)
{
  if (argc > 1) {
    return inspect();
  }

  // What this program was started with is none of the library's.
  for (const int fd : hazard::openDescriptors()) {
    if (fd > 2) {
      fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }

  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  std::atomic<int> failures(0);
  std::atomic<bool> stop(false);

  // The storm begins before the library comes: there is no first instant in
  // which a descriptor is not close-on-exec.
  vector<std::thread> storm;
  for (int i = 0; i < THREADS; i++) {
    storm.emplace_back([&]() {
      for (int n = 0; n < FORKS || !stop; n++) {
        failures += spawn("/proc/self/exe") == 0 ? 0 : 1;
      }
    });
  }

  guest.start();
  vector<harness::Container> all;
  for (int round = 0; round < 4; round++) {
    const auto containers =
      guest.launch(CONTAINERS / 4, hazard::numbersCommand(LINES));
    all.insert(all.end(), containers.begin(), containers.end());
  }
  guest.finish(all);

  stop = true;
  for (std::thread& thread : storm) {
    thread.join();
  }

  hazard::requireEqual(
    "children that inherited descriptors", 0, failures.load());

  const string expected = hazard::numbers(LINES);
  for (const auto& container : all) {
    hazard::require(
      "lost or torn output in " + container.sandbox(),
      hazard::output(container) == expected);
  }

  return 0;
}

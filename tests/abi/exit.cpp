// Hazard: the end of the process, while every stream is busy: no crash, no
// hang, and the next process finds every byte.

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "guest.hpp"

namespace fs = std::filesystem;

using std::function;
using std::string;
using std::vector;

namespace {

constexpr size_t CONTAINERS = 8;
constexpr size_t LINES = 300000;


// Writes the numbers, and stays until the file is there: a pipe that nobody has
// open any more gives up what is in it, so the task must not end while no
// process serves it.
vector<string> command(const string& file)
{
  return {
    "sh",
    "-c",
    "seq 1 " + std::to_string(LINES) + "; while [ ! -e " + file +
      " ]; do sleep 0.1; done"};
}


// Ends a process with busy streams by `end`, and lets another one do the rest.
void check(const string& name, const function<void()>& end, int expectedStatus)
{
  fprintf(stderr, "%s\n", name.c_str());
  hazard::Scratch scratch;

  const int status = hazard::inChild([&]() {
    hazard::Guest guest(scratch.path());
    guest.start();
    guest.launch(CONTAINERS, command(scratch.path() + "/taken-over"));
    end();
  });
  hazard::requireEqual(name + ": status", expectedStatus, status);

  const int next = hazard::inChild([&]() {
    hazard::Guest guest(scratch.path());
    guest.start();
    std::ofstream(scratch.path() + "/taken-over");
    guest.drain();
  });
  hazard::requireEqual(name + ": status of the next process", 0, next);

  size_t found = 0;
  const string expected = hazard::numbers(LINES);
  for (const auto& entry :
       fs::recursive_directory_iterator(scratch.path() + "/work")) {
    if (entry.path().filename() == "stdout") {
      found++;
      hazard::require(
        name + ": lost, doubled or torn output in " +
          entry.path().parent_path().string(),
        hazard::output(entry.path().parent_path().string()) == expected);
    }
  }

  hazard::requireEqual(name + ": sandboxes", CONTAINERS, found);
}

} // namespace


int main()
{
  check(
    "exit", []() { exit(3); }, 3 << 8);
  check(
    "_exit", []() { _exit(4); }, 4 << 8);
  check(
    "quick_exit", []() { quick_exit(5); }, 5 << 8);
  check(
    "SIGKILL", []() { raise(SIGKILL); }, SIGKILL);
  check(
    "SIGTERM", []() { raise(SIGTERM); }, SIGTERM);

  // A forked child that leaves by exit() runs the destructors of a process
  // whose other threads it has not.
  check(
    "exit in a forked child",
    []() {
      const int status = hazard::inChild([]() { exit(6); });
      exit(status == 6 << 8 ? 7 : 8);
    },
    7 << 8);

  return 0;
}

// The library in a process that plays the agent.

#ifndef ABI_GUEST_HPP
#define ABI_GUEST_HPP

#include <stddef.h>
#include <unistd.h>

#include <sys/wait.h>

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <mesos/slave/container_logger.hpp>

#include <stout/option.hpp>
#include <stout/try.hpp>

#include "container.hpp"
#include "flags.hpp"
#include "modules.hpp"
#include "workdir.hpp"

namespace hazard {

// Ends the program with status 1 and a message.
[[noreturn]] void fail(const std::string& message);

// Asserts that `actual` is `expected`; names what differs.
template <typename T>
void requireEqual(const std::string& what, const T& expected, const T& actual)
{
  if (!(expected == actual)) {
    std::ostringstream text;
    text << what << ": expected " << expected << ", found " << actual;
    fail(text.str());
  }
}


void require(const std::string& what, bool holds);


// A directory that goes when the program ends well.
class Scratch
{
public:
  Scratch();
  ~Scratch();

  const std::string& path() const { return path_; }

private:
  std::string path_;
};


class Guest
{
public:
  // `root` gets the state directory and the work directory; a second guest with
  // the same root finds the streams of the first one.
  explicit Guest(const std::string& root);

  // Containers are another user's from now on, who can get to their sandboxes.
  void launchAs(const std::string& user);

  // Opens the library and creates and initialises the logger. The files are
  // small and plenty, so that rotation is at work and nothing is thrown away.
  // `parameters` are added, as names and values, or take the place of these.
  void start(const std::map<std::string, std::string>& parameters = {});

  // The same; gives the error of initialize() where that fails.
  Try<Nothing> tryStart(
    const std::map<std::string, std::string>& parameters = {});

  // Starts this many containers with the command.
  std::vector<harness::Container> launch(
    size_t containers, const std::vector<std::string>& command);

  // Blocks until the tasks and their streams have ended; asserts that every
  // task succeeded.
  void finish(const std::vector<harness::Container>& containers);

  // Blocks until no stream is served.
  void drain();

  mesos::slave::ContainerLogger* logger() { return loggers.front().get(); }

private:
  const std::string root;
  Option<std::string> user;
  harness::ModuleManager manager;
  std::vector<std::unique_ptr<mesos::slave::ContainerLogger>> loggers;
};


// The path of the library.
std::string library();

// What a container wrote to stdout: its rotated files, oldest first, and the
// live one.
std::string output(const harness::Container& container);
std::string output(const std::string& sandbox);

// A command that writes the numbers 1 to `last`, one a line, and what it
// writes.
std::vector<std::string> numbersCommand(size_t last);
std::string numbers(size_t last);

// A policy that runs a script at each rotation and keeps every file.
std::map<std::string, std::string> scripted();

// The ids of this process' threads.
std::vector<int> threads();

// The numbers of this process' open descriptors.
std::vector<int> openDescriptors();

// Runs `body` in a forked child and gives the status as waitpid(2) does.
template <typename F>
int inChild(F body)
{
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }

  int status = -1;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) {
    fail("fork or waitpid failed");
  }

  return status;
}


// The whole of a file; fails where it cannot be read.
std::string readFile(const std::string& path);

} // namespace hazard {


#endif // ABI_GUEST_HPP

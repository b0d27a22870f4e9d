// Hazard: what belongs to the whole process: environment, working directory,
// umask, locale, timers, standard descriptors, priority, capabilities.

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <filesystem>
#include <map>

#include "guest.hpp"

extern char** environ;

using std::map;
using std::string;

namespace {

string environment()
{
  string text;
  for (char** entry = environ; *entry != nullptr; entry++) {
    text += string(*entry) + "\n";
  }

  return text;
}


string timers()
{
  std::ostringstream text;
  for (const int which : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
    struct itimerval timer;
    hazard::require("getitimer", getitimer(which, &timer) == 0);
    text << timer.it_value.tv_sec << "." << timer.it_interval.tv_sec << " ";
  }

  return text.str() + hazard::readFile("/proc/self/timers");
}


string standardDescriptors()
{
  std::ostringstream text;
  for (int fd = 0; fd < 3; fd++) {
    struct stat s;
    hazard::require("fstat", fstat(fd, &s) == 0);
    text << s.st_dev << ":" << s.st_ino << " " << fcntl(fd, F_GETFL) << " "
         << fcntl(fd, F_GETFD) << "\n";
  }

  return text.str();
}


// Of the calling thread: capabilities, identity, groups, no_new_privs, seccomp.
string rights()
{
  std::istringstream status(hazard::readFile("/proc/thread-self/status"));
  string line;
  string text;
  while (std::getline(status, line)) {
    for (const char* name :
         {"Uid:",
          "Gid:",
          "Groups:",
          "Cap",
          "NoNewPrivs:",
          "Seccomp:",
          "Umask:"}) {
      if (line.rfind(name, 0) == 0) {
        text += line + "\n";
      }
    }
  }

  return text;
}


map<string, string> surroundings()
{
  return {
    {"environment", environment()},
    {"working directory", std::filesystem::current_path().string()},
    {"locale", setlocale(LC_ALL, nullptr)},
    {"timers", timers()},
    {"standard descriptors", standardDescriptors()},
    {"rights", rights()},
    {"nice value", std::to_string(getpriority(PRIO_PROCESS, 0))},
    {"subreaper",
     [] {
       int value = 0;
       prctl(PR_GET_CHILD_SUBREAPER, &value);
       return std::to_string(value);
     }()},
    {"dumpable", std::to_string(prctl(PR_GET_DUMPABLE))},
    {"name of the thread", hazard::readFile("/proc/thread-self/comm")}};
}


void compare(const string& when, const map<string, string>& before)
{
  for (const auto& entry : surroundings()) {
    hazard::requireEqual(
      entry.first + " " + when, before.at(entry.first), entry.second);
  }
}


void check(const map<string, string>& parameters)
{
  hazard::Scratch scratch;
  umask(0012);
  setenv("SLUICE_ABI", "kept", 1);
  hazard::require("chdir", chdir(scratch.path().c_str()) == 0);

  const map<string, string> before = surroundings();

  hazard::Guest guest(scratch.path());
  guest.start(parameters);
  if (geteuid() == 0) {
    guest.launchAs("nobody");
  }

  compare("after the start", before);

  guest.finish(guest.launch(4, hazard::numbersCommand(100000)));
  compare("after work", before);
}

} // namespace


int main()
{
  // With and without scripts: these are other processes, of other users.
  for (const auto& parameters : {map<string, string>(), hazard::scripted()}) {
    hazard::requireEqual(
      "status of the host", 0, hazard::inChild([&]() { check(parameters); }));
  }

  return 0;
}

// The command line of the harness.

#ifndef HARNESS_FLAGS_HPP
#define HARNESS_FLAGS_HPP

#include <stddef.h>

#include <map>
#include <string>
#include <vector>

#include <stout/option.hpp>
#include <stout/try.hpp>

namespace harness {

struct Flags
{
  // As the agent's flags of the same names.
  std::string modules;
  std::string containerLogger;
  std::string workDir;
  std::string loggingLevel = "INFO";

  Option<std::string> user;
  std::map<std::string, std::string> taskEnvironment;

  size_t containers = 1;

  // How many are prepared and not yet started at a time; 0: all.
  size_t parallel = 0;

  // All are prepared before the first is started.
  bool prepareFirst = false;

  bool nested = false;
  bool debugClass = false;

  bool json = false;
  bool metrics = false;
  bool hold = false;

  bool help = false;
  bool version = false;

  std::vector<std::string> command;

  // Takes what main() was given. An error names the flag and what was expected.
  static Try<Flags> parse(int argc, char** argv);

  static std::string usage();

  // Of the harness, and of the Mesos that it was built against.
  static std::string versions();
};

} // namespace harness {

#endif // HARNESS_FLAGS_HPP

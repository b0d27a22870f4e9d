#include "flags.hpp"

#include <getopt.h>
#include <stdlib.h>

#include <set>

#include <mesos/version.hpp>

#include <stout/nothing.hpp>

using std::map;
using std::set;
using std::string;

namespace harness {

namespace {

enum Id
{
  MODULES = 256,
  CONTAINER_LOGGER,
  WORK_DIR,
  LOGGING_LEVEL,
  USER,
  TASK_ENV,
  CONTAINERS,
  PARALLEL,
  PREPARE_FIRST,
  NESTED,
  CONTAINER_CLASS,
  JSON,
  METRICS,
  HOLD,
  HELP,
  VERSION,
};


const struct option OPTIONS[] = {
  {"modules", required_argument, nullptr, MODULES},
  {"container_logger", required_argument, nullptr, CONTAINER_LOGGER},
  {"work_dir", required_argument, nullptr, WORK_DIR},
  {"logging_level", required_argument, nullptr, LOGGING_LEVEL},
  {"user", required_argument, nullptr, USER},
  {"task_env", required_argument, nullptr, TASK_ENV},
  {"containers", required_argument, nullptr, CONTAINERS},
  {"parallel", required_argument, nullptr, PARALLEL},
  {"prepare_first", no_argument, nullptr, PREPARE_FIRST},
  {"nested", no_argument, nullptr, NESTED},
  {"container_class", required_argument, nullptr, CONTAINER_CLASS},
  {"json", no_argument, nullptr, JSON},
  {"metrics", no_argument, nullptr, METRICS},
  {"hold", no_argument, nullptr, HOLD},
  {"help", no_argument, nullptr, HELP},
  {"version", no_argument, nullptr, VERSION},
  {nullptr, 0, nullptr, 0},
};


Try<size_t> count(const string& flag, const string& text)
{
  const bool digits = !text.empty() && text.size() <= 7 &&
                      text.find_first_not_of("0123456789") == string::npos;

  if (!digits) {
    return Error(
      "--" + flag + "=" + text +
      ": expected a whole number of at most "
      "seven digits");
  }

  return static_cast<size_t>(strtoul(text.c_str(), nullptr, 10));
}


Try<Nothing> addVariable(const string& text, map<string, string>* environment)
{
  const size_t at = text.find('=');
  if (at == string::npos || at == 0) {
    return Error("--task_env=" + text + ": expected NAME=VALUE");
  }

  (*environment)[text.substr(0, at)] = text.substr(at + 1);
  return Nothing();
}


Try<Nothing> take(int id, const string& value, Flags* flags)
{
  switch (id) {
    case MODULES:
      flags->modules = value;
      break;
    case CONTAINER_LOGGER:
      flags->containerLogger = value;
      break;
    case WORK_DIR:
      flags->workDir = value;
      break;
    case USER:
      flags->user = value;
      break;
    case NESTED:
      flags->nested = true;
      break;
    case JSON:
      flags->json = true;
      break;
    case METRICS:
      flags->metrics = true;
      break;
    case HOLD:
      flags->hold = true;
      break;
    case HELP:
      flags->help = true;
      break;
    case VERSION:
      flags->version = true;
      break;

    case PREPARE_FIRST:
      flags->prepareFirst = true;
      break;

    case TASK_ENV:
      return addVariable(value, &flags->taskEnvironment);

    case LOGGING_LEVEL:
      if (set<string>({"INFO", "WARNING", "ERROR"}).count(value) == 0) {
        return Error(
          "--logging_level=" + value + ": expected INFO, WARNING or ERROR");
      }
      flags->loggingLevel = value;
      break;

    case CONTAINER_CLASS:
      if (value != "DEFAULT" && value != "DEBUG") {
        return Error(
          "--container_class=" + value + ": expected DEFAULT or DEBUG");
      }
      flags->debugClass = value == "DEBUG";
      break;

    case CONTAINERS:
    case PARALLEL: {
      const bool containers = id == CONTAINERS;
      Try<size_t> number = count(containers ? "containers" : "parallel", value);
      if (number.isError()) {
        return Error(number.error());
      }
      (containers ? flags->containers : flags->parallel) = number.get();
      break;
    }
  }

  return Nothing();
}


Try<Flags> validate(const Flags& flags)
{
  if (flags.help || flags.version) {
    return flags;
  }

  if (flags.modules.empty()) {
    return Error("--modules is missing: a path, or the JSON itself");
  }

  if (flags.containerLogger.empty()) {
    return Error("--container_logger is missing: the name of a module");
  }

  if (flags.containers > 0 && flags.command.empty()) {
    return Error("A command is missing: put it behind `--`");
  }

  return flags;
}

} // namespace {


Try<Flags> Flags::parse(int argc, char** argv)
{
  Flags flags;
  optind = 0;

  while (true) {
    // The plus ends the flags at the command's name, with or without `--`.
    const int id = getopt_long(argc, argv, "+:", OPTIONS, nullptr);
    if (id == -1) {
      break;
    }

    if (id == '?' || id == ':') {
      return Error(
        string(argv[optind - 1]) +
        (id == '?' ? ": unknown flag, or a value where none is taken"
                   : ": a value is missing"));
    }

    Try<Nothing> taken = take(id, optarg == nullptr ? "" : optarg, &flags);
    if (taken.isError()) {
      return Error(taken.error());
    }
  }

  flags.command.assign(argv + optind, argv + argc);
  return validate(flags);
}


string Flags::usage()
{
  return "Usage: sluice-harness --modules=MODULES --container_logger=NAME "
         "[FLAG...] -- COMMAND [ARG...]\n"
         "\n"
         "Starts containers as a Mesos agent does, with a container logger "
         "from a\n"
         "module, and waits until the tasks and what they wrote have ended.\n"
         "\n"
         "  --modules=MODULES        file:///PATH, /PATH or JSON, as the agent "
         "takes it\n"
         "  --container_logger=NAME  the module that gives the container "
         "logger\n"
         "  --work_dir=DIR           default: a new directory below $TMPDIR\n"
         "  --user=NAME              owner of the sandboxes and the tasks\n"
         "  --task_env=NAME=VALUE    a variable of the task; may be repeated\n"
         "  --containers=N           how many (default 1). 0: starts the "
         "logger and waits\n"
         "                           until the streams that it recovers have "
         "ended\n"
         "  --parallel=N             how many launches at a time (default: "
         "all)\n"
         "  --prepare_first          starts no task before all containers are "
         "prepared\n"
         "  --nested                 every container is the child of another "
         "one\n"
         "  --container_class=CLASS  DEFAULT or DEBUG\n"
         "  --json                   the report as JSON on stdout\n"
         "  --metrics                the metrics at the end\n"
         "  --hold                   stays until SIGTERM when all has ended\n"
         "  --logging_level=LEVEL    INFO (default), WARNING or ERROR, on "
         "stderr\n"
         "  --version, --help\n"
         "\n"
         "Exit status: 0; the first task's that is not 0 (128 + signal); 125 "
         "where a\n"
         "container could not be launched; 126 for the module, the logger and "
         "the work\n"
         "directory; 127 for the command line.\n";
}


string Flags::versions()
{
  return SLUICE_VERSION " (module API of Mesos " MESOS_VERSION ")";
}

} // namespace harness {

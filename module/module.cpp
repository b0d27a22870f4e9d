// The module objects: what the agent's module manager looks for.

#include <unistd.h>

#include <string>

#include <glog/logging.h>

#include <mesos/mesos.hpp>
#include <mesos/module.hpp>

#include <mesos/module/container_logger.hpp>

#include <mesos/slave/container_logger.hpp>

#include <stout/try.hpp>

#include "bridge/bridge.h"

#include "logger.hpp"

using std::string;

using mesos::Parameters;

using mesos::modules::Module;

using mesos::slave::ContainerLogger;

namespace {

// Takes a line of the core's into the agent's log.
void log(int32_t severity, sluice_bytes text, uint64_t length)
{
  const string line(reinterpret_cast<const char*>(text), length);

  switch (severity) {
    case 0:
      LOG(INFO) << line;
      break;
    case 1:
      LOG(WARNING) << line;
      break;
    default:
      LOG(ERROR) << line;
      break;
  }
}


// Ends the core's logging before the agent's log is destroyed at exit.
class StopLogging
{
public:
  ~StopLogging()
  {
    // NOTE: A forked child that calls exit() comes here too; it has no thread
    // of the core's and must not enter it.
    if (getpid() == loader) {
      sluice_log_to(nullptr);
    }
  }

private:
  const pid_t loader = getpid();
} stopLogging;


ContainerLogger* create(const Parameters& parameters)
{
  sluice_log_to(&log);

  Try<sluice::Logger*> logger = sluice::Logger::make(parameters);
  if (logger.isError()) {
    LOG(ERROR) << "Failed to create the sluice container logger: "
               << logger.error();
    return nullptr;
  }

  return logger.get();
}


constexpr char DESCRIPTION[] = "Sluice container logger " SLUICE_VERSION;

} // namespace {


// Under the name of the module that it takes the place of, so that an agent's
// configuration needs a new path only.
Module<ContainerLogger> org_apache_mesos_LogrotateContainerLogger(
  MESOS_MODULE_API_VERSION,
  MESOS_VERSION,
  "The sluice project",
  "modules@sluice.invalid",
  DESCRIPTION,
  nullptr,
  create);


// Under a name that cannot clash.
Module<ContainerLogger> sluice_ContainerLogger(
  MESOS_MODULE_API_VERSION,
  MESOS_VERSION,
  "The sluice project",
  "modules@sluice.invalid",
  DESCRIPTION,
  nullptr,
  create);

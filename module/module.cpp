// The module as Mesos sees it. It holds no policy: parameters and containers go
// to the core as they are; descriptors, reasons and log lines come back.

#include <unistd.h>

#include <memory>
#include <string>

#include <glog/logging.h>

#include <mesos/module/container_logger.hpp>

#include "bridge/bridge.h"
#include "host.hpp"
#include "launch.pb.h"
#include "metrics.hpp"

using std::string;

using mesos::ContainerID;
using mesos::Parameters;

using mesos::modules::Module;

using mesos::slave::ContainerConfig;
using mesos::slave::ContainerIO;
using mesos::slave::ContainerLogger;

using process::Future;
using process::Promise;

namespace {

// Room for an error of the core's.
struct ErrorBuffer
{
  string message() const { return string(text, error.length); }

  char text[4096];
  sluice_error error = {SLUICE_OK, 0, text, sizeof(text), 0};
};


sluice_bytes bytes(const string& text)
{
  return reinterpret_cast<sluice_bytes>(text.data());
}


string describe(const ContainerID& id, const ContainerConfig& config)
{
  sluice::Launch launch;
  id.SerializeToString(launch.mutable_container_id());
  config.command_info().SerializeToString(launch.mutable_command_info());
  launch.set_directory(config.directory());
  launch.set_debug(config.container_class() == mesos::slave::DEBUG);

  if (config.has_executor_info()) {
    config.executor_info().SerializeToString(launch.mutable_executor_info());
  }

  if (config.has_task_info()) {
    config.task_info().SerializeToString(launch.mutable_task_info());
  }

  if (config.has_user()) {
    launch.set_user(config.user());
  }

  return launch.SerializeAsString();
}


// Takes the outcome of a `prepare`, on a thread of the core, which no exception
// may reach.
void prepared(
  uintptr_t context, int32_t outFd, int32_t errFd, sluice_error* error) noexcept
{
  // NOTE: The core gives the promise back here, exactly once.
  std::unique_ptr<Promise<ContainerIO>> promise(
    reinterpret_cast<Promise<ContainerIO>*>(context));

  if (error != nullptr) {
    promise->fail(string(error->text, error->length));
    return;
  }

  // NOTE: The ownership of these FDs comes from the core. The last copy of `io`
  // closes them, even if nobody waits for the future any more.
  ContainerIO io;
  io.out = ContainerIO::IO::FD(outFd);
  io.err = ContainerIO::IO::FD(errFd);

  if (promise->future().hasDiscard()) {
    promise->discard();
    return;
  }

  // NOTE: The ownership of the FDs is given to the holders of the future.
  promise->set(io);
}


// One per containerizer. Loggers with the same state directory share an engine
// in the core, which outlives them.
class SluiceContainerLogger : public ContainerLogger
{
public:
  explicit SluiceContainerLogger(int64_t _handle) : handle(_handle) {}

  ~SluiceContainerLogger() override { sluice_destroy(handle); }

  Try<Nothing> initialize() override
  {
    ErrorBuffer buffer;
    if (sluice_initialize(handle, &buffer.error) != SLUICE_OK) {
      return Error(buffer.message());
    }

    sluice::addMetrics();
    return Nothing();
  }

  Future<ContainerIO> prepare(
    const ContainerID& id, const ContainerConfig& config) override
  {
    const string launch = describe(id, config);

    // NOTE: The ownership of the promise is given to the core, so the future
    // has to be taken first.
    auto* promise = new Promise<ContainerIO>();
    Future<ContainerIO> future = promise->future();

    sluice_prepare(
      handle,
      bytes(launch),
      launch.size(),
      &prepared,
      reinterpret_cast<uintptr_t>(promise));

    return future;
  }

private:
  const int64_t handle;
};


// Writes a line of the core into the agent's log.
void log(int32_t severity, sluice_bytes text, uint64_t length) noexcept
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
struct StopLogging
{
  ~StopLogging()
  {
    // NOTE: A forked child that calls exit() comes here too; it has no thread
    // of the core and must not enter it.
    if (getpid() == loader) {
      sluice_log_to(nullptr);
    }
  }

  const pid_t loader = getpid();
} stopLogging;


ContainerLogger* create(const Parameters& parameters)
{
  sluice_log_to(&log);
  sluice::waitForThreads();

  const string serialized = parameters.SerializeAsString();
  ErrorBuffer buffer;
  const int64_t handle =
    sluice_create(bytes(serialized), serialized.size(), &buffer.error);

  if (handle <= 0) {
    LOG(ERROR) << "Failed to create the container logger: " << buffer.message();
    return nullptr;
  }

  return new SluiceContainerLogger(handle);
}

} // namespace {


// Under the name of the module that it replaces, so that an agent's
// configuration needs only a new path; and under a name that cannot clash.
// `sluice check` also finds the description in the file.
#define SLUICE_MODULE(name)                                       \
  Module<ContainerLogger> name(                                   \
    MESOS_MODULE_API_VERSION,                                     \
    MESOS_VERSION,                                                \
    "The sluice project",                                         \
    "modules@sluice.invalid",                                     \
    "Sluice container logger " SLUICE_VERSION " for " SLUICE_TREE \
    " " MESOS_VERSION,                                            \
    nullptr,                                                      \
    create)

SLUICE_MODULE(org_apache_mesos_LogrotateContainerLogger);
SLUICE_MODULE(sluice_ContainerLogger);

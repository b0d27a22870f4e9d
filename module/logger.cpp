#include "logger.hpp"

#include <memory>
#include <string>

#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>

#include <stout/error.hpp>

#include "bridge/bridge.h"

#include "launch.pb.h"
#include "metrics.hpp"

using std::string;

using mesos::ContainerID;
using mesos::Parameters;

using mesos::slave::ContainerConfig;
using mesos::slave::ContainerIO;

using process::Future;
using process::Promise;

namespace [[gnu::visibility("hidden")]] sluice {

namespace {

// Room for an error of the core's.
struct ErrorBuffer
{
  char text[4096];
  sluice_error error = {SLUICE_OK, 0, text, sizeof(text), 0};
};


string message(const sluice_error& error)
{
  return string(error.text, error.length);
}


sluice_bytes bytes(const string& text)
{
  return reinterpret_cast<sluice_bytes>(text.data());
}


Launch describe(
  const ContainerID& containerId, const ContainerConfig& containerConfig)
{
  Launch launch;
  launch.set_container_id(containerId.SerializeAsString());
  launch.set_command_info(containerConfig.command_info().SerializeAsString());
  launch.set_directory(containerConfig.directory());

  if (containerConfig.has_executor_info()) {
    launch.set_executor_info(
      containerConfig.executor_info().SerializeAsString());
  }

  if (containerConfig.has_task_info()) {
    launch.set_task_info(containerConfig.task_info().SerializeAsString());
  }

  if (containerConfig.has_user()) {
    launch.set_user(containerConfig.user());
  }

  launch.set_debug(
    containerConfig.has_container_class() &&
    containerConfig.container_class() == mesos::slave::DEBUG);

  return launch;
}


// The outcome of a `prepare`, on a thread of the core's.
void prepared(
  uintptr_t context, int32_t outFd, int32_t errFd, sluice_error* error)
{
  // NOTE: The promise was handed to the core by `prepare`; it comes back here,
  // exactly once.
  std::unique_ptr<Promise<ContainerIO>> promise(
    reinterpret_cast<Promise<ContainerIO>*>(context));

  if (error != nullptr) {
    promise->fail(message(*error));
    return;
  }

  // NOTE: The ownership of these FDs comes from the core. From here on they
  // belong to `io`, whose last copy closes them: also where nobody waits for
  // the future any more.
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

} // namespace {


Try<Logger*> Logger::make(const Parameters& parameters)
{
  const string serialized = parameters.SerializeAsString();

  ErrorBuffer buffer;
  const int64_t handle =
    sluice_create(bytes(serialized), serialized.size(), &buffer.error);

  if (handle <= 0) {
    return Error(message(buffer.error));
  }

  return new Logger(handle);
}


Logger::~Logger()
{
  sluice_destroy(handle);
}


Try<Nothing> Logger::initialize()
{
  ErrorBuffer buffer;
  if (sluice_initialize(handle, &buffer.error) != SLUICE_OK) {
    return Error(message(buffer.error));
  }

  addMetrics();

  return Nothing();
}


Future<ContainerIO> Logger::prepare(
  const ContainerID& containerId, const ContainerConfig& containerConfig)
{
  const string launch =
    describe(containerId, containerConfig).SerializeAsString();

  // NOTE: The ownership of the promise is given to the core, which gives it
  // back to `prepared`. The future has to be taken before.
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

} // namespace sluice {

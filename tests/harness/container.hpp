// A container that the harness launches: what the logger is told about it, and
// what became of it.

#ifndef HARNESS_CONTAINER_HPP
#define HARNESS_CONTAINER_HPP

#include <sys/types.h>

#include <chrono>
#include <string>

#include <mesos/mesos.hpp>

#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>

#include <stout/option.hpp>
#include <stout/try.hpp>

#include "flags.hpp"
#include "workdir.hpp"

namespace harness {

struct Container
{
  mesos::ContainerID id;
  mesos::slave::ContainerConfig config;

  // From the call of prepare() until its future was complete.
  std::chrono::microseconds prepareTime = std::chrono::microseconds(0);

  // Why it could not be launched.
  Option<std::string> error;

  // Zero until the task was started.
  pid_t pid = 0;
  process::Future<Option<int>> status;

  const std::string& sandbox() const { return config.directory(); }

  // The task's exit status, or 128 and the signal that ended it; none where
  // it was not started or its status could not be had.
  Option<int> exitStatus() const;
};


// Makes the sandbox of the container with this number and describes it as an
// agent describes that of a command task, or one nested below it.
Try<Container> createContainer(
  const Flags& flags, const WorkDir& workDir, size_t number);

} // namespace harness {

#endif // HARNESS_CONTAINER_HPP

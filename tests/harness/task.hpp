// Starts the task of a container.

#ifndef HARNESS_TASK_HPP
#define HARNESS_TASK_HPP

#include <map>
#include <string>

#include <mesos/slave/containerizer.hpp>

#include <stout/nothing.hpp>
#include <stout/try.hpp>

#include "container.hpp"
#include "flags.hpp"

namespace harness {

// The harness' own environment, the task's variables, and MESOS_SANDBOX.
std::map<std::string, std::string> taskEnvironment(
  const Flags& flags, const std::string& sandbox);

// Starts the command in the sandbox, in a session of its own, as the user of
// the flags, with nothing to read on stdin and `io` for stdout and stderr.
// Borrows the descriptors of `io`. Fills in the container's pid and status.
Try<Nothing> startTask(
  const Flags& flags,
  const mesos::slave::ContainerIO& io,
  Container* container);

} // namespace harness {

#endif // HARNESS_TASK_HPP

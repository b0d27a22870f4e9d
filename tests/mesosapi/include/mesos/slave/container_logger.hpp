// The interface of a container logger.

#ifndef MESOS_SLAVE_CONTAINER_LOGGER_HPP
#define MESOS_SLAVE_CONTAINER_LOGGER_HPP

#include <string>

#include <mesos/mesos.hpp>

#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>
#include <process/shared.hpp>
#include <process/subprocess.hpp>

#include <stout/nothing.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

namespace mesos {
namespace slave {

class ContainerLogger
{
public:
  virtual ~ContainerLogger() {}

  // Called once, before anything else.
  virtual Try<Nothing> initialize() = 0;

  // Called before a container is created; says where its output goes.
  virtual process::Future<ContainerIO> prepare(
    const ContainerID& containerId, const ContainerConfig& containerConfig) = 0;
};

} // namespace slave {
} // namespace mesos {

#endif // MESOS_SLAVE_CONTAINER_LOGGER_HPP

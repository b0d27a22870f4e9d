// The container logger as Mesos sees it. It holds no policy: parameters and
// containers go to the core as they are, descriptors and reasons come back.

#ifndef SLUICE_MODULE_LOGGER_HPP
#define SLUICE_MODULE_LOGGER_HPP

#include <stdint.h>

#include <mesos/mesos.hpp>

#include <mesos/slave/container_logger.hpp>
#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>

#include <stout/nothing.hpp>
#include <stout/try.hpp>

namespace [[gnu::visibility("hidden")]] sluice {

// One per containerizer. Instances with the same state directory share an
// engine in the core, which outlives them.
class Logger : public mesos::slave::ContainerLogger
{
public:
  // Validates the parameters; touches nothing outside of memory. The caller
  // owns the result.
  static Try<Logger*> make(const mesos::Parameters& parameters);

  ~Logger() override;

  // Takes the state directory and recovers the streams that are in it.
  Try<Nothing> initialize() override;

  // Does not block. May be called from any thread.
  process::Future<mesos::slave::ContainerIO> prepare(
    const mesos::ContainerID& containerId,
    const mesos::slave::ContainerConfig& containerConfig) override;

private:
  explicit Logger(int64_t _handle) : handle(_handle) {}

  const int64_t handle;
};

} // namespace sluice {

#endif // SLUICE_MODULE_LOGGER_HPP

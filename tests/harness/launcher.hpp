// Prepares and starts many containers.

#ifndef HARNESS_LAUNCHER_HPP
#define HARNESS_LAUNCHER_HPP

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include <mesos/slave/container_logger.hpp>

#include <process/future.hpp>

#include "container.hpp"
#include "flags.hpp"

namespace harness {

// Calls prepare() for up to `flags.parallel` containers at a time, and starts
// each task as soon as its descriptors are there, or with `flags.prepareFirst`
// when those of all are. A container that could not be launched gets its error;
// the others go on.
class Launcher
{
public:
  Launcher(const Flags& _flags, mesos::slave::ContainerLogger* _logger)
    : flags(_flags), logger(_logger)
  {
  }

  // Blocks until every container was started or has failed.
  void launch(std::vector<Container>* containers);

private:
  typedef process::Future<mesos::slave::ContainerIO> Prepared;

  struct Outcome
  {
    Container* container;
    Prepared io;
  };

  void prepare(Container* container);
  Outcome next();
  void start(const Outcome& outcome);

  const Flags& flags;
  mesos::slave::ContainerLogger* const logger;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Outcome> outcomes;
};

} // namespace harness {

#endif // HARNESS_LAUNCHER_HPP

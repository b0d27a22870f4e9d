// Waits for tasks, and for what they wrote to be where it belongs.

#ifndef HARNESS_STREAMS_HPP
#define HARNESS_STREAMS_HPP

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "container.hpp"

namespace harness {

// The metrics of this process, by name.
std::map<std::string, double> metrics();

// Blocks until every task that was started has ended. Calls `sample` now and
// then.
void awaitTasks(
  const std::vector<Container>& containers,
  const std::function<void()>& sample);

// Blocks until the logger serves no stream any more: the metric
// `sluice/streams` says so, or, for a logger without it, the processes that it
// started have ended. Streams end when the last process that holds them does,
// so this lasts for as long as a task left something behind.
void awaitStreams(const std::function<void()>& sample);

} // namespace harness {

#endif // HARNESS_STREAMS_HPP

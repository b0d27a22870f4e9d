// The process' registry of metrics, which an agent shows as /metrics/snapshot.

#ifndef PROCESS_METRICS_METRICS_HPP
#define PROCESS_METRICS_METRICS_HPP

#include <map>
#include <memory>
#include <string>

#include <process/future.hpp>

#include <process/metrics/metric.hpp>

#include <stout/duration.hpp>
#include <stout/nothing.hpp>
#include <stout/option.hpp>

namespace process {
namespace metrics {
namespace internal {

Future<Nothing> add(std::unique_ptr<Metric> metric);

} // namespace internal {

// Registers a copy of `metric`; fails where the name is taken.
template <typename T>
Future<Nothing> add(const T& metric)
{
  return internal::add(std::unique_ptr<Metric>(new T(metric)));
}


// Fails where the metric was not registered. When the future is ready, nobody
// asks the metric any more.
Future<Nothing> remove(const Metric& metric);


// Asks every metric for its value, in the order of their names. A metric that
// failed is left out.
Future<std::map<std::string, double>> snapshot(const Option<Duration>& timeout);

} // namespace metrics {
} // namespace process {

#endif // PROCESS_METRICS_METRICS_HPP

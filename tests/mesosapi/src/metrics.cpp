#include <mutex>

#include <process/metrics/metrics.hpp>

namespace process {
namespace metrics {

namespace {

struct Registry
{
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Metric>> metrics;
};


// NOTE: Leaked on purpose: libraries register and remove while static objects
// are destroyed.
Registry& registry()
{
  static Registry* registry = new Registry();
  return *registry;
}

} // namespace {


namespace internal {

Future<Nothing> add(std::unique_ptr<Metric> metric)
{
  const std::string name = metric->name();
  std::lock_guard<std::mutex> lock(registry().mutex);

  if (!registry().metrics.emplace(name, std::move(metric)).second) {
    return Failure("Metric '" + name + "' was already added");
  }

  return Nothing();
}

} // namespace internal {


Future<Nothing> remove(const Metric& metric)
{
  std::lock_guard<std::mutex> lock(registry().mutex);

  if (registry().metrics.erase(metric.name()) == 0) {
    return Failure("Metric '" + metric.name() + "' not found");
  }

  return Nothing();
}


Future<std::map<std::string, double>> snapshot(const Option<Duration>& timeout)
{
  std::lock_guard<std::mutex> lock(registry().mutex);

  std::map<std::string, double> values;
  for (const auto& entry : registry().metrics) {
    Future<double> value = entry.second->value();
    value.await(timeout.getOrElse(Seconds(-1)));

    if (value.isReady()) {
      values[entry.first] = value.get();
    }
  }

  return values;
}

} // namespace metrics {
} // namespace process {

// A metric whose value is asked for when somebody looks.

#ifndef PROCESS_METRICS_PULL_GAUGE_HPP
#define PROCESS_METRICS_PULL_GAUGE_HPP

#include <functional>
#include <string>

#include <process/metrics/metric.hpp>

namespace process {
namespace metrics {

class PullGauge : public Metric
{
public:
  // NOTE: `f` is called from any thread until the gauge's removal is complete.
  PullGauge(const std::string& name, const std::function<Future<double>()>& _f)
    : Metric(name), f(_f)
  {
  }

  Future<double> value() const override { return f(); }

private:
  std::function<Future<double>()> f;
};

} // namespace metrics {
} // namespace process {

#endif // PROCESS_METRICS_PULL_GAUGE_HPP

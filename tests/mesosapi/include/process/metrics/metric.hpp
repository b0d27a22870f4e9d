// A number under a name.

#ifndef PROCESS_METRICS_METRIC_HPP
#define PROCESS_METRICS_METRIC_HPP

#include <string>

#include <process/future.hpp>

namespace process {
namespace metrics {

class Metric
{
public:
  virtual ~Metric() {}

  virtual Future<double> value() const = 0;

  const std::string& name() const { return name_; }

protected:
  explicit Metric(const std::string& _name) : name_(_name) {}

private:
  std::string name_;
};

} // namespace metrics {
} // namespace process {

#endif // PROCESS_METRICS_METRIC_HPP

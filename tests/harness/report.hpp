// What the harness says at the end.

#ifndef HARNESS_REPORT_HPP
#define HARNESS_REPORT_HPP

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "container.hpp"
#include "flags.hpp"
#include "usage.hpp"

namespace harness {

struct Report
{
  std::string module;
  std::string moduleDescription;
  std::string workDir;

  std::vector<Container> containers;

  // Since the first call of prepare().
  std::chrono::microseconds launched;
  std::chrono::microseconds ended;
  std::chrono::microseconds drained;

  // Before the first prepare(), and when the last stream had ended.
  Usage before;
  Usage after;
  size_t peakThreads;

  std::map<std::string, double> metrics;

  std::string toJson() const;

  // Every sandbox with its listing; the metrics where asked for.
  std::string toText(bool withMetrics) const;

  // See Flags::usage().
  int exitStatus() const;
};

} // namespace harness {

#endif // HARNESS_REPORT_HPP

#include <map>
#include <string>

#include <gtest/gtest.h>

#include <process/future.hpp>

#include <process/metrics/metrics.hpp>
#include <process/metrics/pull_gauge.hpp>

using std::map;
using std::string;

using process::Failure;
using process::Future;

using process::metrics::PullGauge;


TEST(MetricsTest, ShowsWhatIsRegistered)
{
  double value = 1;
  PullGauge gauge("test/gauge", [&]() -> Future<double> { return value; });
  PullGauge broken(
    "test/broken", []() -> Future<double> { return Failure("why"); });

  EXPECT_TRUE(process::metrics::add(gauge).isReady());
  EXPECT_TRUE(process::metrics::add(broken).isReady());
  EXPECT_EQ(
    "Metric 'test/gauge' was already added",
    process::metrics::add(gauge).failure());

  value = 2;
  const map<string, double> expected = {{"test/gauge", 2}};
  EXPECT_EQ(expected, process::metrics::snapshot(None()).get());

  EXPECT_TRUE(process::metrics::remove(gauge).isReady());
  EXPECT_TRUE(process::metrics::remove(broken).isReady());
  EXPECT_EQ(
    "Metric 'test/gauge' not found", process::metrics::remove(gauge).failure());
  EXPECT_TRUE(process::metrics::snapshot(None()).get().empty());
}

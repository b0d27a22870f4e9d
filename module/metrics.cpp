#include "metrics.hpp"

#include <array>
#include <mutex>

#include <process/metrics/metrics.hpp>
#include <process/metrics/pull_gauge.hpp>

#include "bridge/bridge.h"

namespace {

constexpr struct
{
  sluice_metric metric;
  const char* name;
} METRICS[] = {
  {SLUICE_STREAMS, "sluice/streams"},
  {SLUICE_STREAMS_RECOVERED, "sluice/streams_recovered"},
  {SLUICE_BYTES_IN, "sluice/bytes_in"},
  {SLUICE_BYTES_WRITTEN, "sluice/bytes_written"},
  {SLUICE_BYTES_DROPPED, "sluice/bytes_dropped"},
  {SLUICE_ROTATIONS, "sluice/rotations"},
  {SLUICE_ROTATION_ERRORS, "sluice/rotation_errors"},
  {SLUICE_WRITE_ERRORS, "sluice/write_errors"},
  {SLUICE_IMPOSTORS, "sluice/impostors"},
  {SLUICE_PANICS, "sluice/panics"},
  {SLUICE_WAKEUPS, "sluice/wakeups"},
  {SLUICE_GOROUTINES, "sluice/goroutines"},
  {SLUICE_LINES_DROPPED, "sluice/lines_dropped"},
  {SLUICE_COMPRESSIONS_QUEUED, "sluice/compressions_queued"},
  {SLUICE_STREAMS_BLOCKED, "sluice/streams_blocked"},
  {SLUICE_MEMORY_BYTES, "sluice/memory_bytes"},
  {SLUICE_FILES_EVICTED, "sluice/files_evicted"},
  {SLUICE_BYTES_EVICTED, "sluice/bytes_evicted"},
  {SLUICE_STREAMS_DROPPING, "sluice/streams_dropping"},
  {SLUICE_BYTES_DROPPED_NO_SPACE, "sluice/bytes_dropped_no_space"},
  {SLUICE_BYTES_DROPPED_QUOTA, "sluice/bytes_dropped_quota"},
  {SLUICE_BYTES_DROPPED_IO_ERROR, "sluice/bytes_dropped_io_error"},
  {SLUICE_BYTES_DROPPED_PANIC, "sluice/bytes_dropped_panic"},
  {SLUICE_BYTES_DROPPED_SANDBOX_REMOVED,
   "sluice/bytes_dropped_sandbox_removed"},
  {SLUICE_MARKS, "sluice/marks"},
  {SLUICE_BYTES_MARKS, "sluice/bytes_marks"},
  {SLUICE_FILES, "sluice/files"},
  {SLUICE_BYTES_ON_DISK, "sluice/bytes_on_disk"},
  {SLUICE_FILES_MADE_ROOM, "sluice/files_made_room"},
  {SLUICE_BYTES_MADE_ROOM, "sluice/bytes_made_room"},
  {SLUICE_LONGEST_BLOCKED_MS, "sluice/longest_blocked_ms"},
  {SLUICE_BYTES_DROPPED_DISCARDED, "sluice/bytes_dropped_discarded"},
  {SLUICE_LINES_IN, "sluice/lines_in"},
  {SLUICE_LINES_WRITTEN, "sluice/lines_written"},
  {SLUICE_BYTES_DROPPED_UNRECORDED, "sluice/bytes_dropped_unrecorded"},
  {SLUICE_STREAMS_UNATTENDED, "sluice/streams_unattended"},
};

static_assert(
  sizeof(METRICS) / sizeof(METRICS[0]) == SLUICE_METRICS,
  "A metric has no name");


// Gives numbers of one instant to a reader that asks gauge after gauge, as the
// registry does. A reading serves every gauge once; the first gauge that is
// asked again takes the next reading.
class Reading
{
public:
  Reading() { served.fill(true); }

  process::Future<double> value(sluice_metric metric)
  {
    std::lock_guard<std::mutex> lock(mutex);

    if (served[metric]) {
      served.fill(false);
      sluice_metrics(values.data(), SLUICE_METRICS);
    }

    served[metric] = true;

    // NOTE: The registry leaves failed gauges out of a snapshot.
    if (values[metric] < 0) {
      return process::Failure("This is not counted");
    }

    return static_cast<double>(values[metric]);
  }

private:
  std::mutex mutex;
  std::array<bool, SLUICE_METRICS> served;
  std::array<int64_t, SLUICE_METRICS> values = {};
};

} // namespace {


namespace [[gnu::visibility("hidden")]] sluice {

void addMetrics()
{
  static std::once_flag once;

  std::call_once(once, []() {
    // NOTE: Leaked on purpose: the registry may ask until the process ends.
    Reading* reading = new Reading();

    for (const auto& entry : METRICS) {
      const sluice_metric metric = entry.metric;
      process::metrics::add(process::metrics::PullGauge(
        entry.name, [reading, metric]() -> process::Future<double> {
          return reading->value(metric);
        }));
    }
  });
}

} // namespace sluice {

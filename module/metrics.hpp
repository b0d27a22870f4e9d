// The core's counters in the agent's registry of metrics.

#ifndef SLUICE_MODULE_METRICS_HPP
#define SLUICE_MODULE_METRICS_HPP

namespace [[gnu::visibility("hidden")]] sluice {

// Registers the metrics `sluice/...`, once per process. They stay until its
// end, as the engine does.
void addMetrics();

} // namespace sluice {

#endif // SLUICE_MODULE_METRICS_HPP

// Hazard: an agent makes one logger for each containerizer. They share what
// there can be one of, and one may go while the other one works.

#include <map>

#include "guest.hpp"
#include "streams.hpp"

using std::map;
using std::string;

int main()
{
  hazard::Scratch scratch;
  hazard::Guest first(scratch.path());
  first.start();
  const map<string, double> registered = harness::metrics();
  hazard::requireEqual<size_t>(
    "sluice/streams in the registry", 1, registered.count("sluice/streams"));

  const auto kept = first.launch(2, hazard::numbersCommand(100000));
  {
    hazard::Guest second(scratch.path());
    second.start();
    hazard::requireEqual(
      "number of metrics", registered.size(), harness::metrics().size());
    const auto more = second.launch(2, hazard::numbersCommand(100000));
    second.finish(more);
    hazard::require(
      "output through the second logger",
      hazard::output(more.front()) == hazard::numbers(100000));
  }

  // The second one is destroyed; the first goes on.
  first.finish(kept);
  first.finish(first.launch(2, hazard::numbersCommand(1000)));

  const map<string, double> end = harness::metrics();
  hazard::requireEqual(
    "bytes in = written + dropped",
    end.at("sluice/bytes_in"),
    end.at("sluice/bytes_written") + end.at("sluice/bytes_dropped"));
  hazard::requireEqual(
    "bytes in",
    static_cast<double>(
      4 * hazard::numbers(100000).size() + 2 * hazard::numbers(1000).size()),
    end.at("sluice/bytes_in"));

  return 0;
}

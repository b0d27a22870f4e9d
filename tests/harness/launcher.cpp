#include "launcher.hpp"

#include <stout/nothing.hpp>
#include <stout/try.hpp>

#include "task.hpp"

using std::vector;

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

namespace harness {

void Launcher::launch(vector<Container>* containers)
{
  const size_t limit =
    flags.parallel == 0 ? containers->size() : flags.parallel;

  vector<Outcome> prepared;
  size_t begun = 0;
  for (size_t done = 0; done < containers->size(); done++) {
    while (begun < containers->size() && begun - done < limit) {
      prepare(&(*containers)[begun++]);
    }

    // NOTE: The outcome, and with it the last copy of the descriptors, goes
    // before the next one comes.
    if (flags.prepareFirst) {
      prepared.push_back(next());
    } else {
      start(next());
    }
  }

  for (Outcome& outcome : prepared) {
    start(outcome);
    outcome.io = Prepared();
  }
}


void Launcher::prepare(Container* container)
{
  const auto begin = steady_clock::now();

  logger->prepare(container->id, container->config)
    .onAny([this, container, begin](const Prepared& io) {
      container->prepareTime =
        duration_cast<microseconds>(steady_clock::now() - begin);

      std::lock_guard<std::mutex> lock(mutex);
      outcomes.push_back(Outcome{container, io});
      changed.notify_one();
    });
}


Launcher::Outcome Launcher::next()
{
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [this]() { return !outcomes.empty(); });

  Outcome outcome = outcomes.front();
  outcomes.pop_front();
  return outcome;
}


void Launcher::start(const Outcome& outcome)
{
  Container* container = outcome.container;

  if (!outcome.io.isReady()) {
    container->error =
      outcome.io.isFailed()
        ? "Failed to prepare the container's log: " + outcome.io.failure()
        : std::string("The logger discarded the container");
    return;
  }

  Try<Nothing> started = startTask(flags, outcome.io.get(), container);
  if (started.isError()) {
    container->error = started.error();
  }
}

} // namespace harness {

#include "report.hpp"

#include <sstream>

#include <mesos/type_utils.hpp>
#include <mesos/version.hpp>

#include <picojson.h>

#include "listing.hpp"

using std::string;
using std::vector;

using std::chrono::microseconds;

using picojson::array;
using picojson::object;
using picojson::value;

namespace harness {

namespace {

constexpr int LAUNCH_FAILED = 125;


value number(int64_t n)
{
  return value(static_cast<double>(n));
}


value micros(microseconds duration)
{
  return number(duration.count());
}


string text(const mesos::ContainerID& id)
{
  std::ostringstream stream;
  stream << id;
  return stream.str();
}


value toJson(const File& file)
{
  object json;
  json["mode"] = value(formatMode(file.mode));
  json["nlink"] = number(static_cast<int64_t>(file.nlink));
  json["uid"] = value(file.uid);
  json["gid"] = value(file.gid);
  json["size_bytes"] = number(file.sizeBytes);
  json["mtime"] = number(file.mtime.tv_sec);
  json["name"] = value(file.name);
  return value(json);
}


value toJson(const Container& container)
{
  object json;
  json["id"] = value(text(container.id));
  json["sandbox"] = value(container.sandbox());
  json["prepare_us"] = micros(container.prepareTime);

  if (container.error.isSome()) {
    json["error"] = value(container.error.get());
  }

  if (container.pid != 0) {
    json["pid"] = number(container.pid);
  }

  const Option<int> status = container.exitStatus();
  if (status.isSome()) {
    json["exit_status"] = number(status.get());
  }

  array files;
  Try<vector<File>> listing = listSandbox(container.sandbox());
  if (listing.isSome()) {
    for (const File& file : listing.get()) {
      files.push_back(toJson(file));
    }
  }
  json["files"] = value(files);

  return value(json);
}


value pair(const char* first, int64_t a, const char* second, int64_t b)
{
  object json;
  json[first] = number(a);
  json[second] = number(b);
  return value(json);
}


void describeUsage(const Report& report, object* json)
{
  const Usage& before = report.before;
  const Usage& after = report.after;
  const microseconds all = after.cpu - before.cpu;
  const microseconds own = after.mainCpu - before.mainCpu;

  (*json)["harness_cpu_us"] = micros(own);
  (*json)["logger_cpu_us"] = micros(all - own);
  (*json)["tasks_cpu_us"] = micros(after.childCpu - before.childCpu);
  (*json)["peak_rss_bytes"] = number(after.peakRssBytes);

  (*json)["context_switches"] = pair(
    "voluntary",
    after.voluntarySwitches - before.voluntarySwitches,
    "involuntary",
    after.involuntarySwitches - before.involuntarySwitches);

  const auto count = [](size_t n) {
    return static_cast<int64_t>(n);
  };

  value threads =
    pair("before", count(before.threads), "after", count(after.threads));
  threads.get<object>()["peak"] = number(count(report.peakThreads));
  (*json)["threads"] = threads;

  value descriptors = pair(
    "before", count(before.descriptors), "after", count(after.descriptors));
  descriptors.get<object>()["limit"] = number(count(descriptorLimit()));
  descriptors.get<object>()["needed_at_most"] =
    number(count(descriptorsNeeded(report.containers.size())));
  (*json)["descriptors"] = descriptors;
}

} // namespace {


string Report::toJson() const
{
  object json;
  json["version"] = value(SLUICE_VERSION);
  json["mesos_version"] = value(MESOS_VERSION);
  json["module"] = value(module);
  json["module_description"] = value(moduleDescription);
  json["work_dir"] = value(workDir);
  json["launched_us"] = micros(launched);
  json["ended_us"] = micros(ended);
  json["wall_us"] = micros(drained);
  describeUsage(*this, &json);

  object values;
  for (const auto& metric : metrics) {
    values[metric.first] = value(metric.second);
  }
  json["metrics"] = value(values);

  array list;
  for (const Container& container : containers) {
    list.push_back(harness::toJson(container));
  }
  json["containers"] = value(list);

  return value(json).serialize(true);
}


string Report::toText(bool withMetrics) const
{
  std::ostringstream stream;

  for (const Container& container : containers) {
    stream << "container " << container.id;
    const Option<int> status = container.exitStatus();
    if (container.error.isSome()) {
      stream << ": " << container.error.get();
    } else if (status.isSome()) {
      stream << ": exit status " << status.get();
    } else {
      stream << ": exit status unknown";
    }

    stream << "\n" << container.sandbox() << "\n";

    Try<vector<File>> listing = listSandbox(container.sandbox());
    stream << (listing.isSome() ? formatListing(listing.get())
                                : listing.error() + "\n")
           << "\n";
  }

  if (withMetrics) {
    for (const auto& metric : metrics) {
      stream << metric.first << " " << static_cast<int64_t>(metric.second)
             << "\n";
    }
  }

  return stream.str();
}


int Report::exitStatus() const
{
  for (const Container& container : containers) {
    if (container.error.isSome() || container.exitStatus().isNone()) {
      return LAUNCH_FAILED;
    }
  }

  for (const Container& container : containers) {
    if (container.exitStatus().get() != 0) {
      return container.exitStatus().get();
    }
  }

  return 0;
}

} // namespace harness {

#include "manifest.hpp"

#include <fstream>
#include <sstream>

#include <google/protobuf/util/json_util.h>

#include <picojson.h>

using std::string;

using google::protobuf::util::JsonParseOptions;
using google::protobuf::util::JsonStringToMessage;

namespace harness {

namespace {

constexpr char WHITESPACE[] = " \t\n\r";


// The parser of protobuf takes more than JSON (single quotes, commas at the end
// of a list), so the syntax is checked by the parser that an agent uses.
Try<picojson::value> parseJson(const string& json)
{
  picojson::value value;
  string error;
  const auto end = picojson::parse(value, json.begin(), json.end(), &error);

  if (!error.empty()) {
    return Error("The manifest is no JSON: " + error);
  }

  const size_t rest =
    json.find_first_not_of(WHITESPACE, static_cast<size_t>(end - json.begin()));

  if (rest != string::npos) {
    return Error("Behind the manifest's JSON follows: " + json.substr(rest));
  }

  if (!value.is<picojson::object>()) {
    return Error("The manifest is no JSON object");
  }

  return value;
}


Try<string> readFile(const string& path)
{
  std::ifstream stream(path);
  std::ostringstream text;

  if (!stream || !(text << stream.rdbuf())) {
    return ErrnoError("Failed to read the manifest '" + path + "'");
  }

  return text.str();
}

} // namespace {


Try<mesos::Modules> parseManifest(const string& json)
{
  Try<picojson::value> value = parseJson(json);
  if (value.isError()) {
    return Error(value.error());
  }

  mesos::Modules modules;
  JsonParseOptions options;
  options.ignore_unknown_fields = false;

  const auto status =
    JsonStringToMessage(value.get().serialize(), &modules, options);

  if (!status.ok()) {
    return Error(
      "The manifest is no mesos.Modules: " + string(status.message()));
  }

  return modules;
}


Try<mesos::Modules> readManifest(const string& value)
{
  const string scheme = "file://";
  string path;

  if (value.compare(0, scheme.size(), scheme) == 0) {
    path = value.substr(scheme.size());
  } else if (!value.empty() && value.front() == '/') {
    path = value;
  } else {
    return parseManifest(value);
  }

  Try<string> text = readFile(path);
  if (text.isError()) {
    return Error(text.error());
  }

  Try<mesos::Modules> modules = parseManifest(text.get());
  if (modules.isError()) {
    return Error("'" + path + "': " + modules.error());
  }

  return modules;
}

} // namespace harness {

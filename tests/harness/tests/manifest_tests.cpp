#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "manifest.hpp"

using std::string;

using harness::parseManifest;
using harness::readManifest;

namespace {

// The manifest of the operator's story that the project was made from.
constexpr char STORY[] = R"({
   "libraries": [
     {
       "file": "/usr/lib/liblogrotate_container_logger.so",
       "modules": [
         {
           "name": "org_apache_mesos_LogrotateContainerLogger",
           "parameters": [
             {
               "key": "launcher_dir",
               "value": "/usr/libexec/mesos"
             }
           ]
         }
       ]
     }
   ]
 }
)";


struct Refusal
{
  const char* name;
  const char* json;
  const char* message;
};


void PrintTo(const Refusal& refusal, std::ostream* stream)
{
  *stream << refusal.name;
}


class ManifestRefusalTest : public testing::TestWithParam<Refusal>
{
};

} // namespace {


TEST(ManifestTest, TakesTheStorysManifest)
{
  Try<mesos::Modules> modules = parseManifest(STORY);
  ASSERT_TRUE(modules.isSome()) << modules.error();
  ASSERT_EQ(1, modules->libraries_size());

  const auto& library = modules->libraries(0);
  EXPECT_EQ("/usr/lib/liblogrotate_container_logger.so", library.file());
  ASSERT_EQ(1, library.modules_size());

  const auto& module = library.modules(0);
  EXPECT_EQ("org_apache_mesos_LogrotateContainerLogger", module.name());
  ASSERT_EQ(1, module.parameters_size());
  EXPECT_EQ("launcher_dir", module.parameters(0).key());
  EXPECT_EQ("/usr/libexec/mesos", module.parameters(0).value());
}


TEST(ManifestTest, TakesSeveralLibraries)
{
  Try<mesos::Modules> modules =
    parseManifest(R"({"libraries": [{"file": "a"}, {"name": "b"}]})");

  ASSERT_TRUE(modules.isSome()) << modules.error();
  EXPECT_EQ(2, modules->libraries_size());
}


// As an agent does.
TEST(ManifestTest, TakesOneObjectForAListOfOne)
{
  Try<mesos::Modules> modules =
    parseManifest(R"({"libraries": {"file": "a"}})");
  ASSERT_TRUE(modules.isSome()) << modules.error();
  EXPECT_EQ("a", modules->libraries(0).file());
}


TEST_P(ManifestRefusalTest, SaysWhy)
{
  Try<mesos::Modules> modules = parseManifest(GetParam().json);
  ASSERT_TRUE(modules.isError());
  EXPECT_NE(string::npos, modules.error().find(GetParam().message))
    << modules.error();
}


INSTANTIATE_TEST_SUITE_P(
  Manifests,
  ManifestRefusalTest,
  testing::Values(
    Refusal{"Empty", "", "The manifest is no JSON"},
    Refusal{"NoJson", "libraries", "The manifest is no JSON"},
    Refusal{"SingleQuotes", "{'libraries': []}", "The manifest is no JSON"},
    Refusal{
      "CommaAtTheEnd", R"({"libraries": [],})", "The manifest is no JSON"},
    Refusal{"Unfinished", R"({"libraries": [)", "The manifest is no JSON"},
    Refusal{"Array", "[]", "The manifest is no JSON object"},
    Refusal{
      "Trailing",
      R"({"libraries": []} x)",
      "Behind the manifest's JSON follows: x"},
    Refusal{"TwoObjects", "{} {}", "Behind the manifest's JSON follows: {}"},
    Refusal{
      "UnknownField",
      R"({"libraries": [{"flie": "a"}]})",
      "(libraries[0]) flie: Cannot find field."},
    Refusal{
      "UnknownFieldOfAModule",
      R"({"libraries": [{"file": "a", "modules": [{"nmae": "m"}]}]})",
      "(libraries[0].modules[0]) nmae: Cannot find field."},
    Refusal{
      "NumberForText", R"({"libraries": [{"file": 7}]})", "libraries[0].file"},
    Refusal{
      "NumberForParameter",
      R"({"libraries": [{"modules": [{"parameters":
              [{"key": "k", "value": 7}]}]}]})",
      "parameters[0].value"},
    Refusal{"ListForText", R"({"libraries": [{"file": ["a"]}]})", "file"},
    Refusal{
      "MissingValueOfAParameter",
      R"({"libraries": [{"modules": [{"parameters": [{"key": "k"}]}]}]})",
      "value"}),
  [](const testing::TestParamInfo<Refusal>& info) {
    return string(info.param.name);
  });


TEST(ManifestTest, ReadsAFileUnderBothNames)
{
  char path[] = "/tmp/sluice-manifest-XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_LE(0, fd);
  close(fd);
  std::ofstream(path) << STORY;

  for (const string& prefix : {string(""), string("file://")}) {
    Try<mesos::Modules> modules = readManifest(prefix + path);
    ASSERT_TRUE(modules.isSome()) << modules.error();
    EXPECT_EQ(1, modules->libraries_size());
  }

  std::ofstream(path) << "{";
  Try<mesos::Modules> modules = readManifest(path);
  ASSERT_TRUE(modules.isError());
  EXPECT_EQ(0u, modules.error().find("'" + string(path) + "': "));

  remove(path);
  modules = readManifest(path);
  ASSERT_TRUE(modules.isError());
  EXPECT_EQ(
    "Failed to read the manifest '" + string(path) +
      "': No such file or directory",
    modules.error());
}

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <mesos/version.hpp>

#include <mesos/slave/container_logger.hpp>

#include "manifest.hpp"
#include "modules.hpp"

using std::string;
using std::unique_ptr;

using harness::ModuleManager;
using harness::parseManifest;

using mesos::slave::ContainerLogger;

namespace {

// A manifest with one module of the test library.
string manifest(const string& module, const string& parameters = "")
{
  return R"({"libraries": [{"file": ")" TEST_MODULES R"(", "modules": [{)"
         R"("name": ")" +
         module + R"(", "parameters": [)" + parameters + "]}]}]}";
}


Try<Nothing> load(ModuleManager* manager, const string& json)
{
  Try<mesos::Modules> modules = parseManifest(json);
  return modules.isError() ? Error(modules.error())
                           : manager->load(modules.get());
}


struct Refusal
{
  const char* module;
  const char* message;
};


void PrintTo(const Refusal& refusal, std::ostream* stream)
{
  *stream << refusal.module;
}


class ModuleRefusalTest : public testing::TestWithParam<Refusal>
{
};

} // namespace {


TEST_P(ModuleRefusalTest, SaysWhy)
{
  ModuleManager manager;
  Try<Nothing> loaded = load(&manager, manifest(GetParam().module));
  ASSERT_TRUE(loaded.isError());
  EXPECT_EQ(
    "Error verifying module '" + string(GetParam().module) +
      "': " + GetParam().message,
    loaded.error());
}


INSTANTIATE_TEST_SUITE_P(
  Modules,
  ModuleRefusalTest,
  testing::Values(
    Refusal{
      "wrongApi",
      "Module API version mismatch. Mesos has: 2, library requires: 1"},
    Refusal{
      "olderMesos",
      "Minimum supported mesos version for 'ContainerLogger' is " MESOS_VERSION
      ", but module is compiled with version 1.6.0"},
    Refusal{
      "newerMesos",
      "Mesos has version " MESOS_VERSION
      ", but module is compiled with version 99.0.0"},
    Refusal{
      "missingVersion",
      "Error loading module 'missingVersion'; missing fields"},
    Refusal{
      "incompatible",
      "Module 'incompatible' has determined to be incompatible"},
    Refusal{"unknownKind", "Unknown module kind: Loudspeaker"}),
  [](const testing::TestParamInfo<Refusal>& info) {
    return string(info.param.module);
  });


TEST(ModulesTest, RefusesAVersionThatIsNone)
{
  ModuleManager manager;
  EXPECT_TRUE(load(&manager, manifest("badVersion")).isError());
}


TEST(ModulesTest, RefusesAModuleOfAnotherKindAsALogger)
{
  ModuleManager manager;
  Try<Nothing> loaded = load(&manager, manifest("wrongKind"));
  ASSERT_TRUE(loaded.isSome()) << loaded.error();

  Try<unique_ptr<ContainerLogger>> logger = manager.createLogger("wrongKind");
  ASSERT_TRUE(logger.isError());
  EXPECT_EQ(
    "Error creating module instance for 'wrongKind': module is of kind "
    "'Isolator', but the requested kind is 'ContainerLogger'",
    logger.error());
}


TEST(ModulesTest, RefusesWhatIsNotThere)
{
  ModuleManager manager;
  EXPECT_EQ("Module 'plain' unknown", manager.createLogger("plain").error());

  Try<Nothing> loaded = load(&manager, manifest("absent"));
  ASSERT_TRUE(loaded.isError());
  EXPECT_EQ(0u, loaded.error().find("Error loading module 'absent': "))
    << loaded.error();

  loaded = load(&manager, R"({"libraries": [{"file": "/absent.so"}]})");
  ASSERT_TRUE(loaded.isError());
  EXPECT_EQ(0u, loaded.error().find("Error opening library: '/absent.so': "))
    << loaded.error();

  EXPECT_EQ(
    "Library name or path not provided",
    load(&manager, R"({"libraries": [{}]})").error());

  EXPECT_EQ(
    "Error: module name not provided with library '" TEST_MODULES "'",
    load(
      &manager,
      R"({"libraries": [{"file": ")" TEST_MODULES R"(", "modules": [{}]}]})")
      .error());
}


TEST(ModulesTest, RefusesOneNameWithTwoMeanings)
{
  ModuleManager manager;
  const string parameter = R"({"key": "k", "value": "v"})";
  EXPECT_TRUE(load(&manager, manifest("plain", parameter)).isSome());
  EXPECT_TRUE(load(&manager, manifest("plain", parameter)).isSome());
  EXPECT_TRUE(load(&manager, manifest("plain")).isError());
}


TEST(ModulesTest, CreatesALoggerWithItsParameters)
{
  ModuleManager manager;
  ASSERT_TRUE(load(&manager, manifest("plain")).isSome());
  ASSERT_TRUE(
    load(&manager, manifest("other", R"({"key": "fail", "value": "create"})"))
      .isSome());

  EXPECT_TRUE(manager.createLogger("plain").isSome());
  EXPECT_EQ("description", manager.description("plain"));

  EXPECT_EQ(
    "Error creating Module instance for 'other'",
    manager.createLogger("other").error());
}

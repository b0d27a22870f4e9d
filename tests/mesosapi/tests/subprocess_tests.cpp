#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <process/reap.hpp>
#include <process/subprocess.hpp>

#include <stout/version.hpp>

using std::map;
using std::string;

using process::Subprocess;

namespace {

string drain(int fd)
{
  string text;
  char buffer[256];
  ssize_t length;
  while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(length));
  }

  close(fd);
  return text;
}

} // namespace {


TEST(SubprocessTest, RedirectsAndReaps)
{
  int out[2];
  ASSERT_EQ(0, pipe2(out, O_CLOEXEC));

  const map<string, string> environment = {{"WORD", "hello"}, {"PATH", "/bin"}};

  Try<Subprocess> child = process::subprocess(
    "sh",
    {"sh", "-c", "echo $WORD; pwd; exit 3"},
    Subprocess::PATH("/dev/null"),
    Subprocess::FD(out[1], Subprocess::IO::OWNED),
    Subprocess::FD(STDERR_FILENO),
    nullptr,
    environment,
    None(),
    {},
    {Subprocess::ChildHook::SETSID(), Subprocess::ChildHook::CHDIR("/")});

  ASSERT_TRUE(child.isSome()) << child.error();
  EXPECT_EQ("hello\n/\n", drain(out[0]));

  const Option<int> status = child->status().get();
  ASSERT_TRUE(status.isSome());
  EXPECT_EQ(3, WEXITSTATUS(status.get()));

  // Owned: closed in the parent.
  EXPECT_EQ(-1, fcntl(out[1], F_GETFD));
}


TEST(SubprocessTest, RunsParentHooksBeforeTheChild)
{
  pid_t seen = 0;
  Try<Subprocess> child = process::subprocess(
    "true",
    {"true"},
    Subprocess::PATH("/dev/null"),
    Subprocess::FD(STDOUT_FILENO),
    Subprocess::FD(STDERR_FILENO),
    nullptr,
    None(),
    None(),
    {Subprocess::ParentHook([&](pid_t pid) -> Try<Nothing> {
      seen = pid;
      return Nothing();
    })});

  ASSERT_TRUE(child.isSome()) << child.error();
  EXPECT_EQ(child->pid(), seen);
  EXPECT_EQ(0, child->status().get().get());

  child = process::subprocess(
    "true",
    {"true"},
    Subprocess::PATH("/dev/null"),
    Subprocess::FD(STDOUT_FILENO),
    Subprocess::FD(STDERR_FILENO),
    nullptr,
    None(),
    None(),
    {Subprocess::ParentHook(
      [](pid_t) -> Try<Nothing> { return Error("why"); })});

  ASSERT_TRUE(child.isError());
  EXPECT_EQ("Failed to execute a parent hook: why", child.error());
}


TEST(SubprocessTest, SaysWhatCannotBeOpened)
{
  Try<Subprocess> child =
    process::subprocess("true", {"true"}, Subprocess::PATH("/no/such/file"));
  ASSERT_TRUE(child.isError());
  EXPECT_EQ(
    "Failed to open '/no/such/file': No such file or directory", child.error());
}


TEST(VersionTest, ComparesAsSemverSays)
{
  const auto version = [](const string& text) {
    return Version::parse(text).get();
  };

  EXPECT_TRUE(version("1.7.0") < version("1.12.0"));
  EXPECT_TRUE(version("1.12.0-slice") < version("1.12.0"));
  EXPECT_TRUE(version("1.12") == version("1.12.0"));
  EXPECT_TRUE(version("1.12.0+a") == version("1.12.0+b"));
  EXPECT_TRUE(version("2") > version("1.12.0-rc1"));

  for (const string text : {"", "one", "1.", "1.2.3.4", "1.x", "-1"}) {
    EXPECT_TRUE(Version::parse(text).isError()) << text;
  }

  std::ostringstream stream;
  stream << version("1.2.3-rc1+git");
  EXPECT_EQ("1.2.3-rc1+git", stream.str());
}

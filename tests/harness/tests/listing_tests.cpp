#include <stdlib.h>
#include <unistd.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "listing.hpp"

using std::string;
using std::vector;

using harness::File;
using harness::formatListing;
using harness::formatMode;
using harness::formatSize;
using harness::listSandbox;


TEST(ListingTest, FormatsModes)
{
  EXPECT_EQ("-rw-r--r--", formatMode(S_IFREG | 0644));
  EXPECT_EQ("drwxr-x---", formatMode(S_IFDIR | 0750));
  EXPECT_EQ("prw-------", formatMode(S_IFIFO | 0600));
  EXPECT_EQ("lrwxrwxrwx", formatMode(S_IFLNK | 0777));
  EXPECT_EQ(
    "-rwsr-Sr-t", formatMode(S_IFREG | S_ISUID | S_ISGID | S_ISVTX | 0745));
}


TEST(ListingTest, FormatsSizes)
{
  EXPECT_EQ("0 B", formatSize(0));
  EXPECT_EQ("169 B", formatSize(169));
  EXPECT_EQ("10239 B", formatSize(10239));
  EXPECT_EQ("10 KB", formatSize(10240));
  EXPECT_EQ("2047 KB", formatSize(2047 * 1024 + 1023));
  EXPECT_EQ("10 MB", formatSize(10 * 1024 * 1024));
}


TEST(ListingTest, FormatsTheStorysListing)
{
  setenv("TZ", "UTC", 1);
  tzset();

  const vector<File> files = {
    {S_IFREG | 0644, 1, "root", "root", 169, {1464184320, 0}, "stderr"},
    {S_IFREG | 0644,
     1,
     "root",
     "root",
     245,
     {1464184320, 0},
     "stdout.logrotate.conf"}};

  EXPECT_EQ(
    "mode        nlink   uid       gid       size      mtime           \n"
    "-rw-r--r--  1       root      root      169 B     May 25 13:52    "
    "stderr\n"
    "-rw-r--r--  1       root      root      245 B     May 25 13:52    "
    "stdout.logrotate.conf\n",
    formatListing(files));
}


TEST(ListingTest, ListsByNameAndFollowsNoLink)
{
  char path[] = "/tmp/sluice-listing-XXXXXX";
  ASSERT_NE(nullptr, mkdtemp(path));
  const string sandbox = path;

  std::ofstream(sandbox + "/stdout") << "hello";
  ASSERT_EQ(0, ::chmod((sandbox + "/stdout").c_str(), 0640));
  ASSERT_EQ(0, ::symlink("/nowhere", (sandbox + "/a").c_str()));

  Try<vector<File>> files = listSandbox(sandbox);
  ASSERT_TRUE(files.isSome()) << files.error();
  ASSERT_EQ(2u, files->size());
  EXPECT_EQ("a", files.get()[0].name);
  EXPECT_TRUE(S_ISLNK(files.get()[0].mode));
  EXPECT_EQ("stdout", files.get()[1].name);
  EXPECT_EQ(5, files.get()[1].sizeBytes);
  EXPECT_EQ("-rw-r-----", formatMode(files.get()[1].mode));

  std::filesystem::remove_all(sandbox);
  files = listSandbox(sandbox);
  ASSERT_TRUE(files.isError());
  EXPECT_EQ(
    "Failed to list '" + sandbox + "': No such file or directory",
    files.error());
}

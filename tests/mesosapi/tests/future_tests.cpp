#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <process/future.hpp>

#include <stout/duration.hpp>
#include <stout/nothing.hpp>

using std::string;

using process::Failure;
using process::Future;
using process::Promise;


TEST(FutureTest, IsMadeFromAValueAndFromAFailure)
{
  EXPECT_EQ(7, Future<int>(7).get());
  EXPECT_EQ(7.0, Future<double>(7).get());
  EXPECT_EQ("why", Future<int>(Failure("why")).failure());
  EXPECT_EQ("why", Future<int>(Try<int>(Error("why"))).failure());
  EXPECT_TRUE(Future<int>().isPending());
}


TEST(FutureTest, KeepsTheFirstOutcome)
{
  Promise<int> promise;
  Future<int> future = promise.future();

  EXPECT_TRUE(promise.set(1));
  EXPECT_FALSE(promise.set(2));
  EXPECT_FALSE(promise.fail("why"));
  EXPECT_FALSE(promise.discard());
  EXPECT_EQ(1, future.get());
}


TEST(FutureTest, CallsBackBeforeAndAfter)
{
  Promise<int> promise;
  int before = 0;
  int after = 0;
  promise.future().onReady([&](const int& value) { before = value; });
  promise.set(3);
  promise.future().onAny([&](const Future<int>& f) { after = f.get(); });

  EXPECT_EQ(3, before);
  EXPECT_EQ(3, after);

  string failure;
  Promise<int> failing;
  failing.future()
    .onReady([](const int&) { FAIL(); })
    .onFailed([&](const string& message) { failure = message; });
  failing.fail("why");
  EXPECT_EQ("why", failure);
}


TEST(FutureTest, DiscardIsARequest)
{
  Promise<int> promise;
  Future<int> future = promise.future();
  bool asked = false;
  bool discarded = false;
  future.onDiscard([&]() { asked = true; });
  future.onDiscarded([&]() { discarded = true; });

  EXPECT_FALSE(promise.future().hasDiscard());
  EXPECT_TRUE(future.discard());
  EXPECT_FALSE(future.discard());
  EXPECT_TRUE(asked);
  EXPECT_TRUE(promise.future().hasDiscard());
  EXPECT_TRUE(future.isPending());

  EXPECT_TRUE(promise.discard());
  EXPECT_TRUE(discarded);
  EXPECT_TRUE(future.isDiscarded());
}


TEST(FutureTest, DiscardComesTooLate)
{
  Promise<int> promise;
  promise.set(1);
  EXPECT_FALSE(promise.future().discard());
  EXPECT_FALSE(promise.future().hasDiscard());
}


TEST(FutureTest, IsAbandonedWithItsPromise)
{
  Future<int> kept;
  Future<int> abandoned;
  {
    Promise<int> first;
    first.set(1);
    kept = first.future();

    Promise<int> second;
    abandoned = second.future();
  }

  EXPECT_FALSE(kept.isAbandoned());
  EXPECT_TRUE(abandoned.isAbandoned());
  EXPECT_TRUE(abandoned.isPending());
}


TEST(FutureTest, WakesAWaitingThread)
{
  Promise<int> promise;
  EXPECT_FALSE(promise.future().await(Milliseconds(1)));

  std::thread thread([&]() { promise.set(5); });
  EXPECT_EQ(5, promise.future().get());
  thread.join();
}


TEST(FutureTest, ReleasesItsValueWithTheLastHolder)
{
  auto value = std::make_shared<int>(1);
  std::weak_ptr<int> watch = value;
  {
    Promise<std::shared_ptr<int>> promise;
    promise.future().onAny([](const Future<std::shared_ptr<int>>&) {});
    promise.set(std::move(value));
    value.reset();
    EXPECT_FALSE(watch.expired());
  }

  EXPECT_TRUE(watch.expired());
}

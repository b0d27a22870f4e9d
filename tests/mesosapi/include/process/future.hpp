// A value that comes later, shared by any number of holders, and the promise
// that it is set through. Callbacks run on the thread that completes the
// future, or at once where it is complete.

#ifndef PROCESS_FUTURE_HPP
#define PROCESS_FUTURE_HPP

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include <stout/duration.hpp>
#include <stout/error.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

namespace process {

// Makes a failed future where one is expected.
struct Failure
{
  explicit Failure(const std::string& _message) : message(_message) {}
  explicit Failure(const Error& error) : message(error.message) {}

  const std::string message;
};


template <typename T>
class Promise;


template <typename T>
class Future
{
public:
  Future() : data(std::make_shared<Data>()) {}

  Future(const T& t) : Future() { complete(State::READY, Option<T>(t), ""); }

  Future(const Failure& failure) : Future()
  {
    complete(State::FAILED, None(), failure.message);
  }

  Future(const Try<T>& t) : Future()
  {
    if (t.isSome()) {
      complete(State::READY, Option<T>(t.get()), "");
    } else {
      complete(State::FAILED, None(), t.error());
    }
  }

  template <
    typename U,
    typename = typename std::enable_if<
      std::is_constructible<T, const U&>::value &&
      !std::is_base_of<Failure, U>::value>::type>
  Future(const U& u) : Future(T(u))
  {
  }

  bool isPending() const { return state() == State::PENDING; }
  bool isReady() const { return state() == State::READY; }
  bool isFailed() const { return state() == State::FAILED; }
  bool isDiscarded() const { return state() == State::DISCARDED; }

  // The promise is gone and nothing will come.
  bool isAbandoned() const
  {
    std::lock_guard<std::mutex> lock(data->mutex);
    return data->abandoned;
  }

  // Somebody asked for this future to be discarded.
  bool hasDiscard() const
  {
    std::lock_guard<std::mutex> lock(data->mutex);
    return data->discard;
  }

  // Says that nobody wants the value any more; whether the computation stops is
  // up to the holder of the promise. False where it was said before or where
  // the future is complete.
  bool discard()
  {
    std::vector<std::function<void()>> callbacks;
    {
      std::lock_guard<std::mutex> lock(data->mutex);
      if (data->discard || data->state != State::PENDING) {
        return false;
      }

      data->discard = true;
      callbacks.swap(data->onDiscard);
    }

    for (const auto& callback : callbacks) {
      callback();
    }

    return true;
  }

  // Waits; for ever where `duration` is negative. True where complete.
  bool await(const Duration& duration = Seconds(-1)) const
  {
    const auto complete = [this]() {
      return data->state != State::PENDING;
    };

    std::unique_lock<std::mutex> lock(data->mutex);
    if (duration < Duration()) {
      data->changed.wait(lock, complete);
      return true;
    }

    return data->changed.wait_for(
      lock, std::chrono::nanoseconds(duration.ns()), complete);
  }

  // Waits for the value. NOTE: Aborts where there will be none.
  const T& get() const
  {
    await();
    CHECK(isReady()) << "Future::get() but state is not READY: "
                     << data->failure;
    return data->value.get();
  }

  const T* operator->() const { return &get(); }

  const std::string& failure() const
  {
    CHECK(isFailed()) << "Future::failure() but state is not FAILED";
    return data->failure;
  }

  const Future<T>& onAny(std::function<void(const Future<T>&)> f) const
  {
    {
      std::lock_guard<std::mutex> lock(data->mutex);
      if (data->state == State::PENDING) {
        data->onAny.push_back(std::move(f));
        return *this;
      }
    }

    f(*this);
    return *this;
  }

  const Future<T>& onReady(std::function<void(const T&)> f) const
  {
    return onAny([f](const Future<T>& future) {
      if (future.isReady()) {
        f(future.get());
      }
    });
  }

  const Future<T>& onFailed(std::function<void(const std::string&)> f) const
  {
    return onAny([f](const Future<T>& future) {
      if (future.isFailed()) {
        f(future.failure());
      }
    });
  }

  const Future<T>& onDiscarded(std::function<void()> f) const
  {
    return onAny([f](const Future<T>& future) {
      if (future.isDiscarded()) {
        f();
      }
    });
  }

  const Future<T>& onDiscard(std::function<void()> f) const
  {
    {
      std::lock_guard<std::mutex> lock(data->mutex);
      if (!data->discard) {
        if (data->state == State::PENDING) {
          data->onDiscard.push_back(std::move(f));
        }

        return *this;
      }
    }

    f();
    return *this;
  }

  bool operator==(const Future<T>& that) const { return data == that.data; }
  bool operator!=(const Future<T>& that) const { return data != that.data; }

private:
  friend class Promise<T>;

  enum class State
  {
    PENDING,
    READY,
    FAILED,
    DISCARDED
  };

  struct Data
  {
    std::mutex mutex;
    std::condition_variable changed;
    State state = State::PENDING;
    bool discard = false;
    bool abandoned = false;
    Option<T> value;
    std::string failure;
    std::vector<std::function<void(const Future<T>&)>> onAny;
    std::vector<std::function<void()>> onDiscard;
  };

  State state() const
  {
    std::lock_guard<std::mutex> lock(data->mutex);
    return data->state;
  }

  // False where the future is complete already: the first outcome stays.
  bool complete(State state, Option<T> value, const std::string& failure) const
  {
    std::vector<std::function<void(const Future<T>&)>> callbacks;
    std::vector<std::function<void()>> unused;
    {
      std::lock_guard<std::mutex> lock(data->mutex);
      if (data->state != State::PENDING) {
        return false;
      }

      data->state = state;
      data->value = std::move(value);
      data->failure = failure;
      callbacks.swap(data->onAny);
      unused.swap(data->onDiscard);
    }

    data->changed.notify_all();

    // A callback may drop the last other reference to this future.
    const Future<T> self = *this;
    for (const auto& callback : callbacks) {
      callback(self);
    }

    return true;
  }

  void abandon() const
  {
    std::lock_guard<std::mutex> lock(data->mutex);
    data->abandoned = data->state == State::PENDING;
  }

  std::shared_ptr<Data> data;
};


template <typename T>
class Promise
{
public:
  Promise() = default;
  virtual ~Promise() { future_.abandon(); }

  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;

  // Each gives false where the future is complete already.
  bool set(const T& t)
  {
    return future_.complete(Future<T>::State::READY, Option<T>(t), "");
  }

  bool fail(const std::string& message)
  {
    return future_.complete(Future<T>::State::FAILED, None(), message);
  }

  bool discard()
  {
    return future_.complete(Future<T>::State::DISCARDED, None(), "");
  }

  Future<T> future() const { return future_; }

private:
  Future<T> future_;
};

} // namespace process {

#endif // PROCESS_FUTURE_HPP

// A value, or why there is none.

#ifndef STOUT_TRY_HPP
#define STOUT_TRY_HPP

#include <string>
#include <type_traits>
#include <utility>

#include <glog/logging.h>

#include <stout/error.hpp>
#include <stout/option.hpp>

template <typename T, typename E = Error>
class Try
{
public:
  static Try some(const T& t) { return Try(t); }

  static Try error(const E& e) { return Try(e); }

  Try(const T& t) : data(t) {}
  Try(T&& t) : data(std::move(t)) {}
  Try(const E& e) : error_(e) {}

  template <
    typename U,
    typename = typename std::enable_if<
      std::is_constructible<T, const U&>::value &&
      !std::is_base_of<E, U>::value>::type>
  Try(const U& u) : data(T(u))
  {
  }

  bool isSome() const { return data.isSome(); }
  bool isError() const { return data.isNone(); }

  // NOTE: Asking for what is not there is a fault of the program; it aborts.
  const T& get() const&
  {
    CHECK(isSome()) << "Try::get() but state == ERROR: " << error();
    return data.get();
  }

  T& get() &
  {
    CHECK(isSome()) << "Try::get() but state == ERROR: " << error();
    return data.get();
  }

  const T& operator*() const { return get(); }
  const T* operator->() const { return &get(); }
  T* operator->() { return &get(); }

  const std::string& error() const
  {
    CHECK(isError()) << "Try::error() but state == SOME";
    return error_.get().message;
  }

private:
  Option<T> data;
  Option<E> error_;
};

#endif // STOUT_TRY_HPP
